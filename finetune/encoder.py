"""A model's body with a head: a classifier over the mean of an encoder's token vectors, a reward over the last one; or
without a head: that mean itself, which a sentence embedder gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils.logging import disable_progress_bar

from finetune.four_bit import unpacked
from finetune.mixed_formats import attention, mix, without_dropout
from finetune.weights import tensor_names

WITH_POOLER = {"bert", "roberta", "xlm-roberta"}  # the classes that take add_pooling_layer


class EncoderClassifier(nn.Module):
    """Pooling over the real tokens, then one linear layer; `classifier` is the head. With 0 labels there is none, and
    `logits` are the pooled vectors.

    Not AutoModelForSequenceClassification: its BERT head reads a pooler on [CLS], which sentence encoders
    such as MiniLM never trained; the mean is what they were trained to make comparable.
    """

    def __init__(self, encoder: nn.Module, labels: int, *, reads: str = "mean") -> None:
        super().__init__()
        self.encoder = encoder
        self.reads = (
            reads  # "mean" of the token vectors, or the "last" one: of a model that reads from left to right
        )
        config: Any = encoder.config
        self.config = config  # peft and the Trainer look for it
        self.virtual_tokens = 0  # that a soft prompt puts before each text; the mean is of the text alone
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0) or 0.0)
        self.classifier: Any = nn.Linear(int(config.hidden_size), labels) if labels else nn.Identity()

    @property
    def dtype(self) -> torch.dtype:
        """Of the encoder; peft gives a prefix this format, and attention wants one for all it reads."""
        return next(self.encoder.parameters()).dtype

    # peft reads these two of every model, also of one that writes no text.
    base_model_prefix = "encoder"
    prepare_inputs_for_generation = None

    @property
    def device(self) -> torch.device:  # peft looks for it
        return next(self.parameters()).device

    def get_input_embeddings(self) -> nn.Module:  # peft looks for it, to train rows of it
        found: nn.Module = self.encoder.get_input_embeddings()  # type: ignore[operator]
        return found

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        past_key_values: Any = None,  # named, because peft looks here whether a prefix can be given
        num_items_in_batch: Any = None,  # rows of the whole step: of all batches and processes
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        given = {"input_ids": input_ids, "past_key_values": past_key_values, **inputs}
        pooled = self.pooled(attention_mask=attention_mask, **given)
        if isinstance(self.classifier, nn.Identity):
            return SequenceClassifierOutput(logits=pooled.float())
        logits = self.classifier(self.dropout(pooled).to(self.classifier.weight.dtype)).float()
        loss = None
        if labels is not None:
            kind = "mean" if num_items_in_batch is None else "sum"
            loss = nn.functional.cross_entropy(logits, labels, reduction=kind) / (num_items_in_batch or 1)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def pooled(self, *, attention_mask: Any, **inputs: Any) -> torch.Tensor:
        """The vector of each text, (rows, width)."""
        given = {name: value for name, value in inputs.items() if value is not None}
        states: torch.Tensor = self.encoder(attention_mask=attention_mask, **given).last_hidden_state
        if inputs.get("input_ids") is None:  # vectors in place of tokens: peft has put its own before them
            states = states[:, self.virtual_tokens :]
        # What was put before the text stands at the head of the mask; a prefix stands there alone.
        own = attention_mask[:, -states.shape[1] :]
        if self.reads == "last":
            return states[torch.arange(len(states), device=states.device), own.sum(1).long() - 1]
        mask = own.unsqueeze(-1).to(states.dtype)
        mean: torch.Tensor = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        return mean

    def gradient_checkpointing_enable(self, **options: Any) -> None:
        self.encoder.gradient_checkpointing_enable(**options)  # type: ignore[operator]


def load_encoder(folder: Path, *, mixed: bool = False, dropout: bool = True, **loading: Any) -> nn.Module:
    """The bare encoder of a model folder; `mixed`: with matrix products in bf16. Raises ValueError in one line."""
    # A bar for each load would break into the program's own.
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
        # Stored without a pooler (as by a full run here): built without one, or a random one would be added.
        bare = config.model_type in WITH_POOLER and not any(
            "pooler." in name for name in tensor_names(folder)
        )
        extra: dict[str, Any] = {"add_pooling_layer": False} if bare else {}
        if mixed:
            extra["attn_implementation"] = attention()
        if not dropout:
            without_dropout(config)
        model = AutoModel.from_pretrained(
            str(folder), config=config, local_files_only=True, use_safetensors=True, **extra, **loading
        )
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"'{folder}' cannot be loaded as an encoder ({str(error).splitlines()[0]})."
        ) from None
    assert isinstance(model, nn.Module)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]  # never read here: it would be trained for nothing
    unpacked(model)
    if mixed:
        mix(model)
    return model
