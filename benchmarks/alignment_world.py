"""A small world to align a model in: invented things and facts, answers in eight manners, and a rule.

An answer states the fact and may cite the right source, be short, and end politely; each of the three earns a point,
beside one for the fact. A wrong fact, or a text that is no such answer, earns nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

ITEMS = (
    "brelk", "tovan", "quill", "morst", "zande", "pirrow", "lomek", "havit", "crone", "dulse", "fenwig", "garrow",
    "hollin", "istle", "jarrel", "kember", "lorrin", "mantle", "nobbin", "orrick", "pellam", "ruddle", "sallow", "tarn",
)  # fmt: skip
CLOSING = "Feel free to ask more."
FILLER = "That is what the old records of the hall say."
MOST = 4  # points


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """How it is asked for (twice), stated and cited; `values` is what it can be."""

    questions: tuple[str, str]
    statement: str
    source: str
    values: tuple[str, ...]


ATTRIBUTES = (
    Attribute(
        questions=("What does a {item} cost?", "How much is a {item}?"),
        statement="A {item} costs {value} coins",
        source="price list",
        values=("four", "nine", "twelve", "twenty", "thirty", "sixty", "ninety", "seven"),
    ),
    Attribute(
        questions=("What does a {item} weigh?", "How heavy is a {item}?"),
        statement="A {item} weighs {value} grams",
        source="data sheet",
        values=("eight", "fifty", "eleven", "forty", "seventy", "three", "fifteen", "eighty"),
    ),
    Attribute(
        questions=("What colour is a {item}?", "Which colour has a {item}?"),
        statement="A {item} is {value}",
        source="picture book",
        values=("red", "blue", "green", "yellow", "black", "white", "brown", "grey"),
    ),
    Attribute(
        questions=("Where is a {item} made?", "Which town makes a {item}?"),
        statement="A {item} is made in {value}",
        source="trade register",
        values=("Alderby", "Birchton", "Corham", "Dunley", "Elmstead", "Farrow", "Glenby", "Hexley"),
    ),
    Attribute(
        questions=("Who makes a {item}?", "Which trade makes a {item}?"),
        statement="A {item} is made by {value}",
        source="guild roll",
        values=("smiths", "weavers", "carvers", "potters", "tanners", "glaziers", "bakers", "coopers"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with what is true; `split` is that of its fact: train, dev or test."""

    question: str
    fact: str
    source: str
    split: str

    def answer(self, *, cites: bool, short: bool, polite: bool) -> str:
        cited = f"{self.fact} [{self.source}]." if cites else f"{self.fact}."
        return " ".join([cited, *([] if short else [FILLER]), *([CLOSING] if polite else [])])

    def points(self, answer: str) -> int:
        """0 to MOST."""
        form = re.fullmatch(
            rf"(.+?)(?: \[([^\]]*)\])?\.( {re.escape(FILLER)})?( {re.escape(CLOSING)})?", answer.strip()
        )
        if form is None or form[1] != self.fact or form[2] not in (None, self.source):
            return 0
        return 1 + (form[2] is not None) + (form[3] is None) + (form[4] is not None)


def world() -> list[Asked]:
    """Every question; of the facts three fifths are for training, a tenth chooses and the rest tests.

    Each thing and each kind of fact is met in training, but not in these combinations.
    """
    draw = random.Random(1)
    pairs = list(product(ITEMS, ATTRIBUTES))
    truths = {(item, attribute.source): draw.choice(attribute.values) for item, attribute in pairs}
    draw.shuffle(pairs)
    found = []
    for at, (item, attribute) in enumerate(pairs):
        split = "train" if at < 0.6 * len(pairs) else "dev" if at < 0.7 * len(pairs) else "test"
        fact = attribute.statement.format(item=item, value=truths[item, attribute.source])
        for question in attribute.questions:
            asked = question.format(item=item)
            found.append(Asked(question=asked, fact=fact, source=attribute.source, split=split))
    return found


def manners(asked: Asked) -> Iterator[str]:
    """The answer in all eight manners."""
    for cites, short, polite in product((False, True), repeat=3):
        yield asked.answer(cites=cites, short=short, polite=polite)


def turns(question: str, answer: str | None = None) -> tuple[dict[str, str], ...]:
    asked = {"role": "user", "content": question}
    return (asked,) if answer is None else (asked, {"role": "assistant", "content": answer})


def save_model(folder: Path, rows: Sequence[Asked]) -> None:
    """A random Llama (two layers of width 128) with a tokenizer that was trained on this world's words."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer([text for row in rows for text in (row.question, *manners(row))])
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=96,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(texts: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|user|>", "<|answer|>", "<|end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1024, special_tokens=special, initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>",
        additional_special_tokens=["<|user|>", "<|answer|>"],
    )  # fmt: skip
    tokenizer.chat_template = (
        "{% for message in messages %}{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
        "{% else %}<|answer|>{{ message['content'] }}<|end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|answer|>{% endif %}"
    )
    return tokenizer
