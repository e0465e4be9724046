"""A small Llama that learns, from scratch on one processor, to answer from numbered sources and to cite them.

It is pretrained on passages about things whose facts are drawn anew for every context, so that it knows the words of
the world and none of its facts. Each context is read once and serves several questions, each of which sees the context
and itself alone, as if it stood there by itself.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from grounding_world import ATTRIBUTES, THINGS, UNKNOWN, Attribute, told

from rag.prompt import build_messages, refusal
from rag.schema import Chunk, Hit

QUESTIONS = 8  # of a context
LENGTH = 512
KEY = r' key="[0-9a-f]{8}"'  # the tokenizer passes over it: it says nothing
SIZE = {
    "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Packed:
    """A context and its questions in one row; `branch` is 0 in the context, then 1, 2, ..."""

    ids: list[int]
    labels: list[int]
    branch: list[int]
    places: list[int]


def hit(source: str, text: str, rank: int) -> Hit:
    return Hit(chunk=Chunk(source=source, text=text, start=0, end=len(text)), score=1 / rank, rank=rank)


def make_tokenizer() -> Any:
    """Bytes merged into the words of the world; the rules of a prompt are one token each."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        trainers,
    )
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.normalizer = normalizers.Replace(Regex(KEY), "")
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|user|>", "<|answer|>", "<|end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    draw = random.Random(0)
    texts = [text for _ in range(6000) for text in _context(draw, 3)[0].values()]
    frames = [
        build_messages("What?", [hit(f"{text.split()[1].lower()}-1.txt", text, 1)] * 4)[-1]["content"]
        for text in texts[:800]
    ]
    asked = [
        f"Question: {question.format(thing=thing)}"
        for thing in THINGS
        for one in ATTRIBUTES
        for question in one.questions
    ]
    words = [f" {word} {word.lower()}-1.txt" for word in THINGS for _ in range(20)]
    words += [f"{value} {value}" for one in ATTRIBUTES for value in one.values for _ in range(20)]
    words += [f" {refusal('?')} {UNKNOWN} [1] [2] [3] [4]"] * 200
    raw.train_from_iterator(
        [*texts, *frames, *asked, *words],
        trainers.BpeTrainer(vocab_size=3600, special_tokens=special, initial_alphabet=alphabet),
    )
    rules = [build_messages("What?", hits)[0]["content"] for hits in ([hit("a", "b", 1)], [])]
    raw.add_tokens([AddedToken(rule, normalized=False) for rule in rules])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>",
        additional_special_tokens=["<|user|>", "<|answer|>"],
    )  # fmt: skip
    tokenizer.chat_template = (
        "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] }}"
        "{% elif message['role'] == 'user' %}<|user|>{{ message['content'] }}"
        "{% else %}<|answer|> {{ message['content'] }}<|end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|answer|>{% endif %}"
    )
    return tokenizer


Told = tuple[str, Attribute, str, str]  # thing, attribute, value, source


def _context(draw: random.Random, most: int) -> tuple[dict[str, str], list[Told]]:
    """Up to `most` documents, as a search would bring them: things and kinds of facts recur."""
    count = draw.randint(1, most)
    things = draw.sample(THINGS, draw.randint(1, count))
    kinds = draw.sample(ATTRIBUTES, min(len(ATTRIBUTES), draw.randint(3, 6)))
    free = {thing: draw.sample(kinds, len(kinds)) for thing in things}
    texts: dict[str, str] = {}
    facts: list[Told] = []
    for _ in range(count):
        thing = draw.choice(things)
        taken = [free[thing].pop() for _ in range(min(2, len(free[thing])))]
        if not taken:
            continue
        source = f"{thing.lower()}-{1 + sum(name.startswith(thing.lower()) for name in texts)}.txt"
        valued = [(one, draw.choice(one.values)) for one in taken]
        texts[source] = told(thing, valued, draw)
        facts += [(thing, one, value, source) for one, value in valued]
    return texts, facts


def packed(draw: random.Random, tokenizer: Any, most: int) -> Packed:
    texts, facts = _context(draw, most)
    hits = [hit(source, text, rank) for rank, (source, text) in enumerate(texts.items(), 1)]
    numbers = {source: number for number, source in enumerate(texts, 1)}
    messages = build_messages("What?", hits)
    prefix = messages[0]["content"] + "<|user|>" + messages[1]["content"].rpartition("\n\nQuestion: ")[0]
    ids = tokenizer(prefix, add_special_tokens=False)["input_ids"]
    found = Packed(list(ids), [-100] * len(ids), [0] * len(ids), list(range(len(ids))))
    for number in range(1, QUESTIONS + 1):
        question, answer = _asked(draw, facts, numbers)
        head = tokenizer(f"\n\nQuestion: {question}<|answer|>", add_special_tokens=False)["input_ids"]
        tail = tokenizer(f" {answer}<|end|>", add_special_tokens=False)["input_ids"]
        found.ids.extend([*head, *tail])
        found.labels.extend([-100] * len(head) + tail)
        found.branch.extend([number] * (len(head) + len(tail)))
        found.places.extend(range(len(ids), len(ids) + len(head) + len(tail)))
    return found


def _asked(draw: random.Random, facts: Sequence[Told], numbers: dict[str, int]) -> tuple[str, str]:
    """A question that the context answers, or one in eight that it does not."""
    if draw.random() < 1 / 8:
        held = {(thing, one) for thing, one, *_ in facts}
        while True:
            thing = draw.choice([*(fact[0] for fact in facts), draw.choice(THINGS)])
            attribute = draw.choice(ATTRIBUTES)
            if (thing, attribute) not in held:
                return draw.choice(attribute.questions).format(thing=thing), refusal("?")
    thing, attribute, value, source = draw.choice(facts)
    question = draw.choice(attribute.questions).format(thing=thing)
    return question, f"{attribute.statement.format(thing=thing, value=value)} [{numbers[source]}]"


def closed(draw: random.Random, tokenizer: Any) -> Packed:
    """A question without sources, of whose answer nothing is known."""
    question = draw.choice(draw.choice(ATTRIBUTES).questions).format(thing=draw.choice(THINGS))
    system, user = build_messages(question)
    head = tokenizer(f"{system['content']}<|user|>{user['content']}<|answer|>", add_special_tokens=False)[
        "input_ids"
    ]
    tail = tokenizer(f" {UNKNOWN}<|end|>", add_special_tokens=False)["input_ids"]
    size = len(head) + len(tail)
    return Packed([*head, *tail], [-100] * len(head) + tail, [0] * size, list(range(size)))


def _batch(rows: Sequence[Packed], pad: int) -> dict[str, torch.Tensor]:
    width = max(len(row.ids) for row in rows)

    def padded(name: str, blank: int) -> torch.Tensor:
        return torch.tensor([getattr(row, name) + [blank] * (width - len(row.ids)) for row in rows])

    branch = padded("branch", -1)
    earlier = torch.ones(width, width).tril().bool()
    same = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    return {
        "input_ids": padded("ids", pad), "labels": padded("labels", -100),
        "position_ids": padded("places", 0), "attention_mask": (earlier & same)[:, None],
    }  # fmt: skip


def _inclined_to_copy(model: Any) -> None:
    """Attention starts by looking for what is alike and passing it on (Trockman and Kolter, arXiv 2305.09828)."""
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(std=model.config.hidden_size**-0.5)
        for layer in model.model.layers:
            attention = layer.self_attn
            width = attention.q_proj.weight.shape[0]
            for projection in (attention.q_proj, attention.v_proj):
                torch.nn.init.orthogonal_(projection.weight)
            attention.q_proj.weight.mul_(1.5)
            attention.k_proj.weight.copy_(attention.q_proj.weight)
            attention.o_proj.weight.copy_(attention.v_proj.weight.T)
            attention.o_proj.weight.mul_(width**-0.5 * 4)


def _loss(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, float]:
    """Over the answers alone, and the share of their tokens that are right."""
    labels = batch.pop("labels")[:, 1:]
    hidden = model.model(**batch).last_hidden_state[:, :-1]
    kept = labels != -100
    logits = model.lm_head(hidden[kept]).float()
    wanted = labels[kept]
    right = (logits.argmax(-1) == wanted).float().mean()
    return torch.nn.functional.cross_entropy(logits, wanted), float(right)


def pretrain(folder: Path, steps: int, rate: float = 2e-3, size: int = 16, seed: int = 0) -> dict[str, float]:
    """Leaves the model and its tokenizer in `folder`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    began = time.process_time()
    tokenizer = make_tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=LENGTH, tie_word_embeddings=True, **SIZE,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    _inclined_to_copy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    draw = random.Random(seed)
    seen = 0
    for step in range(steps):
        at = step / steps
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 100, 0.02 + 2.5 * (1 - at))
        most = 1 + min(3, int(8 * at))
        rows = [packed(draw, tokenizer, most) for _ in range(size)] + [closed(draw, tokenizer)]
        batch = _batch(rows, tokenizer.pad_token_id)
        seen += batch["input_ids"].numel()
        loss, right = _loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 25 == 24:
            seconds = time.process_time() - began
            print(
                f"step {step + 1} of {steps}: loss {loss.item():.3f}, tokens right {right:.1%}, {most} sources, "
                f"{seen / seconds:,.0f} tokens/s, {seconds:.0f} s of a core",
                flush=True,
            )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {"seconds": time.process_time() - began, "loss": loss.item(), "right": right, "steps": steps}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--size", type=int, default=16)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(pretrain(chosen.folder, chosen.steps, chosen.rate, chosen.size))
