"""An encoder with a head that marks where in a passage an answer begins and ends, or that there is none: then both
are its first token, [CLS] or <s> (arXiv 1810.04805, section 4.3)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

NEVER = -1e4  # of a token that is no answer: softmax makes 0 of it, and two of them still add up to a number


class EncoderSpans(nn.Module):
    """Two numbers for each token, how well an answer would begin and end there; `classifier` is the head."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        config: Any = encoder.config
        self.config = config  # peft and the Trainer look for it
        self.virtual_tokens = 0  # that a soft prompt puts before each text; no answer is among them
        self.classifier = nn.Linear(int(config.hidden_size), 2)
        nn.init.normal_(self.classifier.weight, std=getattr(config, "initializer_range", None) or 0.02)
        nn.init.zeros_(self.classifier.bias)

    # peft reads these of every model, also of one that writes no text.
    base_model_prefix = "encoder"
    prepare_inputs_for_generation = None

    @property
    def dtype(self) -> torch.dtype:
        return next(self.encoder.parameters()).dtype

    @property
    def device(self) -> torch.device:
        return self.classifier.weight.device

    def get_input_embeddings(self) -> nn.Module:  # peft looks for it, to train rows of it
        found: nn.Module = self.encoder.get_input_embeddings()  # type: ignore[operator]
        return found

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        choosable: torch.Tensor | None = None,  # rows x tokens: those of the passage, and the first
        start_positions: torch.Tensor | None = None,
        end_positions: torch.Tensor | None = None,
        past_key_values: Any = None,  # named, because peft looks here whether a prefix can be given
        num_items_in_batch: Any = None,  # rows of the whole step
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """`logits` are rows x tokens x 2; the loss is the mean over rows of begin and end."""
        given = {"input_ids": input_ids, "past_key_values": past_key_values, **inputs}
        given = {name: value for name, value in given.items() if value is not None}
        states: torch.Tensor = self.encoder(attention_mask=attention_mask, **given).last_hidden_state
        if input_ids is None:  # vectors in place of tokens: peft has put its own before them
            states = states[:, self.virtual_tokens :]
        logits = self.classifier(states.to(self.classifier.weight.dtype)).float()
        if choosable is not None:
            logits = logits.masked_fill(~choosable.bool().unsqueeze(-1), NEVER)
        loss = None
        if start_positions is not None and end_positions is not None:
            kind = "mean" if num_items_in_batch is None else "sum"
            ends = zip(logits.unbind(-1), (start_positions, end_positions), strict=True)
            both = [nn.functional.cross_entropy(scores, wanted, reduction=kind) for scores, wanted in ends]
            loss = (both[0] + both[1]) / 2 / (num_items_in_batch or 1)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def gradient_checkpointing_enable(self, **options: Any) -> None:
        self.encoder.gradient_checkpointing_enable(**options)  # type: ignore[operator]
