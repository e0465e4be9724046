"""Adds retrieved passages to training examples (RAFT), in the very prompts that a model reads at work.

A row to learn from holds the passage that answers and distractors that the index's own search finds, in random order;
a share of the rows holds distractors alone. A held-out row holds what a search finds, as at work.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.ground_gold import Asked, Gold, Seeker, holds, place, without_marks
from apps.ground_report import CLOSED_BOOK, REFUSED, TOO_LONG, GroundReport, Made, count_up
from apps.ground_sides import Sides, part
from apps.ground_target import cited_answer
from apps.numbers_of import numbers_of
from finetune.defaults import defaults
from finetune.schema import Example
from finetune.splits import held_out_share
from rag.budget import CountTokens, estimate_tokens
from rag.inert import quoted
from rag.prompt import build_messages, refusal
from rag.schema import Hit

WITHOUT_GOLD = ("answer", "refuse")
NOT_FOUND = ("leave_out", "closed_book")
_DEEPER = 100  # passages searched where too few distractors were found at first

Progress = Callable[[str, int, int], None]
Turns = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundConfig:
    """How rows are made; None takes the number of grounding.toml, where its source stands."""

    distractors: int | None = None
    gold_share: float | None = None  # of the rows to learn from
    without_gold: str = (
        "answer"  # what a row without its gold passage says: "answer" (RAFT's way) or "refuse"
    )
    not_found: str = "leave_out"  # an example whose passage is nowhere: "leave_out", or keep it "closed_book"
    shared_documents: bool = False  # whether a document may answer rows on both sides of the split
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """Rows for `finetune.train`, and what became of the examples."""

    rows: tuple[Example, ...]
    report: GroundReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Tokens that a prompt may have (None: any number) and how they are counted (None: by estimate)."""

    tokens: int | None = None
    count: CountTokens | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An example with what the index holds for it."""

    example: Example
    asked: Asked
    found: tuple[Hit, ...]
    gold: Gold | None

    @property
    def source(self) -> str | None:
        return None if self.gold is None else self.gold.hit.chunk.source


def ground(
    examples: Sequence[Example],
    index: Any,
    config: GroundConfig | None = None,
    room: Room | None = None,
    progress: Progress | None = None,
) -> Grounded:
    """The examples as rows with numbered passages, in their order; the same ones for the same seed.

    Raises ValueError in one line for settings, an empty index, an example that is no conversation with an answer at
    its end, or where no row is left.
    """
    config = _filled(config or GroundConfig())
    if not len(index):
        raise ValueError(
            f"{index.path} holds no passage to ground on; index documents first: advisor index DOCS."
        )
    asked = [_asked(example) for example in examples]
    seeker = Seeker(index, max(numbers_of("grounding")["look"], 4 * _distractors(config)))
    cases = []
    for done, (example, one) in enumerate(zip(examples, asked, strict=True), 1):
        found = seeker.found(one)
        cases.append(_Case(example=example, asked=one, found=found, gold=seeker.gold(one, found)))
        if progress is not None:
            progress("ground", done, len(examples))
    kept = [case for case in cases if _usable(case, config)]
    sides = _sides(kept, config)
    made = _rows(kept, sides, seeker, config, room or Room())
    report = count_up(
        made,
        examples=len(examples),
        not_found=tuple(case.example.line for case in cases if case.gold is None and not case.asked.refused),
        unknown_sources=sum(bool(one.sources) and not seeker.named(one.sources) for one in asked),
        leaking=sides.leaking,
        k=_distractors(config) + 1,
        config=config,
    )
    rows = tuple(one.row for one in made if one.row is not None)
    if not rows:
        raise ValueError(f"No row is left of {len(examples)} examples: {report.why_none()}")
    return Grounded(rows=rows, report=report)


def _filled(config: GroundConfig) -> GroundConfig:
    """With the default numbers. Raises ValueError."""
    given = {name: numbers_of("grounding")[name] for name in ("distractors", "gold_share", "seed")}
    config = replace(
        config, **{name: value for name, value in given.items() if getattr(config, name) is None}
    )
    if not 0 <= _distractors(config) <= 20:
        raise ValueError(f"distractors is {config.distractors}; choose 0 to 20 (2 to 4 is usual).")
    if config.gold_share is None or not 0 < config.gold_share <= 1:
        raise ValueError(
            f"gold_share is {config.gold_share}; choose a share above 0 and up to 1, such as 0.8."
        )
    for name, known in (("without_gold", WITHOUT_GOLD), ("not_found", NOT_FOUND)):
        if getattr(config, name) not in known:
            raise ValueError(f"{name} is {getattr(config, name)!r}; choose one of {list(known)}.")
    return config


def _distractors(config: GroundConfig) -> int:
    return int(config.distractors or 0)


def _asked(example: Example) -> Asked:
    """The last question with what was said before it; a system text of the row's own is not what is read at work."""
    turns = [turn for turn in example.messages if turn["role"] != "system"]
    if len(turns) < 2 or turns[-1]["role"] != "assistant" or turns[-2]["role"] != "user" or example.chosen:
        raise ValueError(
            f"Row at line {example.line} is no question with an answer; --ground needs rows for the objective 'sft'."
        )
    history = tuple({"role": turn["role"], "content": turn["content"]} for turn in turns[:-2])
    return Asked(
        question=turns[-2]["content"].strip(),
        answer=without_marks(turns[-1]["content"]),
        history=history,
        sources=example.sources,
    )


def _usable(case: _Case, config: GroundConfig) -> bool:
    return case.gold is not None or case.asked.refused or config.not_found == "closed_book"


def _sides(cases: Sequence[_Case], config: GroundConfig) -> Sides:
    return part(
        [case.asked.question for case in cases],
        [case.asked.answer for case in cases],
        [case.source for case in cases],
        [case.example.split for case in cases],
        share=held_out_share("sft"),
        fewest=int(defaults()["held_out"]["fewest_rows"]),
        shared_documents=config.shared_documents,
    )


def _rows(
    cases: Sequence[_Case], sides: Sides, seeker: Seeker, config: GroundConfig, room: Room
) -> list[Made]:
    """In the order of the examples."""
    learned = [at for at, split in enumerate(sides.splits) if split == "train" and cases[at].gold is not None]
    random.Random(f"gold {config.seed}").shuffle(learned)
    with_gold = set(learned[: round((config.gold_share or 0) * len(learned))])
    made = []
    for at, (case, split) in enumerate(zip(cases, sides.splits, strict=True)):
        if split is None:
            continue
        case = replace(case, example=replace(case.example, split=split))
        if split != "train":
            made.append(_as_at_work(case, config, room))
        else:
            gold = case.gold.hit if case.gold is not None and at in with_gold else None
            hits = _passages(case, gold, sides.held_sources, seeker, config)
            made.append(_made(case, hits, gold, config, room))
    return made


def _passages(
    case: _Case, gold: Hit | None, held: frozenset[str], seeker: Seeker, config: GroundConfig
) -> list[Hit]:
    """The gold passage and distractors, or one distractor more, in random order; none of a closed-book row."""
    if case.gold is None and not case.asked.refused:
        return []
    count = _distractors(config) + (gold is None)
    answer = "" if case.asked.refused else case.asked.answer
    texts = set() if case.gold is None else {case.gold.hit.chunk.text}
    chosen: list[Hit] = []
    for depth in (None, _DEEPER):
        found = case.found if depth is None else seeker.found(case.asked, depth)
        known = {place(hit.chunk) for hit in chosen}
        for hit in found:
            if len(chosen) == count:
                break
            chunk = hit.chunk
            if chunk.source in held or chunk.text in texts or place(chunk) in known:
                continue
            if not answer or not holds(answer, chunk):
                chosen.append(hit)
                texts.add(chunk.text)
    chosen += [] if gold is None else [gold]
    random.Random(f"{config.seed} {case.example.line} {case.asked.question}").shuffle(chosen)
    return chosen


def _as_at_work(case: _Case, config: GroundConfig, room: Room) -> Made:
    """A held-out row: the hits of a search in their order. What holds the answer best among them is cited."""
    hits = list(case.found[: _distractors(config) + 1])
    if case.gold is None:
        return _made(case, hits if case.asked.refused else [], None, config, room)
    gold = next((hit for hit in hits if place(hit.chunk) == place(case.gold.hit.chunk)), None)
    if gold is None:
        gold = next((hit for hit in hits if holds(case.asked.answer, hit.chunk)), None)
    return _made(case, hits, gold, config, room)


def _made(case: _Case, hits: list[Hit], gold: Hit | None, config: GroundConfig, room: Room) -> Made:
    """The row of these passages; distractors give way where the gold passage would not fit whole."""
    asked, example = case.asked, case.example
    wanted, messages = len(hits), _prompt(asked, hits, room)
    while gold is not None and quoted(gold.chunk.text) not in messages[-1]["content"]:
        other = next((at for at in reversed(range(len(hits))) if hits[at] is not gold), None)
        if other is None:
            return Made(row=None, line=example.line, split=example.split, how=TOO_LONG)
        hits = hits[:other] + hits[other + 1 :]
        messages = _prompt(asked, hits, room)
    number = None if gold is None else next(at for at, hit in enumerate(hits, 1) if hit is gold)
    said = _target(asked, hits, gold, number, config)
    count = room.count or estimate_tokens
    return Made(
        row=replace(example, messages=(*messages, {"role": "assistant", "content": said})),
        line=example.line,
        split=example.split,
        how=case.gold.how if case.gold is not None else REFUSED if asked.refused else CLOSED_BOOK,
        hits=tuple(hits),
        number=number,
        rank=None if case.gold is None else case.gold.rank,
        tokens=sum(count(turn["content"]) for turn in messages),
        dropped=wanted - messages[-1]["content"].count('<source id="'),  # a quoted text holds no such tag
        refuses=said == refusal(asked.question),
    )


def _prompt(asked: Asked, hits: Sequence[Hit], room: Room) -> Turns:
    return build_messages(
        asked.question, hits, asked.history, budget_tokens=room.tokens, count_tokens=room.count
    )


def _target(
    asked: Asked, hits: Sequence[Hit], gold: Hit | None, number: int | None, config: GroundConfig
) -> str:
    if gold is not None and number is not None:
        return cited_answer(asked.answer, gold, number)
    refuses = asked.refused or (config.without_gold == "refuse" and hits)
    return refusal(asked.question) if refuses else asked.answer
