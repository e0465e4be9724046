"""A small Llama made here for measuring training: random weights, a BPE tokenizer, and some reading of public texts.

LoRA lowers the loss of weights that have read nothing by little; some hundred thousand tokens are enough to begin.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data"
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>")
WORDS = 4096
WINDOW = 512
RATE = 2e-3
SHAPE = {
    "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 4, "num_attention_heads": 8,
    "num_key_value_heads": 4, "max_position_embeddings": 1024,
}  # fmt: skip


def lines_of(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def conversations(name: str, count: int) -> list[list[dict[str, str]]]:
    """Questions and answers of a set, as many as asked for, at equal distances."""
    rows = list(lines_of(name))
    step = max(1, len(rows) // count)
    return [
        [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]
        for row in rows[::step][:count]
    ]


def texts() -> list[str]:
    """What the base reads: articles on medicine, and paragraphs of an encyclopaedia; none of the rows to learn."""
    sets = [f"medical_en/{name}_documents.jsonl.gz" for name in ("pubmedqa", "covidqa")]
    return [row["text"] for name in sets for row in lines_of(name)] + sorted(
        {row["context"] for row in lines_of("squad_en/train.jsonl.gz")}
    )


def tokenizer_of(read: list[str]) -> Any:
    """Byte-level BPE over the texts, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        read, trainers.BpeTrainer(vocab_size=WORDS, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>",
        extra_special_tokens=["<|user|>", "<|assistant|>"],
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_base(folder: Path, steps: int) -> Path:
    """The model's folder, made once: windows of the texts, drawn at random, each step of 8 x 512 tokens."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    if (folder / "config.json").is_file():
        return folder
    read = texts()
    tokenizer = tokenizer_of(read)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None, **SHAPE,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    stream = torch.tensor(
        [token for ids in tokenizer(read)["input_ids"] for token in [*ids, tokenizer.eos_token_id]]
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    for step in range(steps):
        starts = torch.randint(0, len(stream) - WINDOW, (8,))
        ids = torch.stack([stream[start : start + WINDOW] for start in starts])
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:  # ten steps of warming up, then down in a straight line
            group["lr"] = RATE * min((step + 1) / 10, 1 - step / steps)
        optimizer.step()
        optimizer.zero_grad()
        print(f"  base: step {step + 1} of {steps}, loss {loss.item():.3f}", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
