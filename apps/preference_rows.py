"""MAKERS: one function for each kind of row, from opinions to rows in the form that `finetune` and trl read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from apps.judged_answers import Judged, Turn
from apps.opinions import OUTVOTED, TIE, Opinion, key_of, take, tell, verdicts
from apps.preference_pairs import SAME_CORRECTION, settled_pairs

Row = dict[str, Any]
Made = list[tuple[str, Row]]  # each with a key that stays the same in every export
REFUSAL = "a disliked refusal: without a correction nobody knows whether its sources hold the answer"
DISLIKED = "disliked, and there is no correction to learn"


def thumb_rows(opinions: Sequence[Opinion]) -> Made:
    """KTO: an answer and whether it was liked. A correction is no thumb: it is left to pairs and answers."""
    made: Made = []
    for verdict in verdicts(opinions, lambda judged: judged.asked):
        first = verdict.first
        if first.refused and not verdict.up and not any(said.judged.correction for said in verdict.agreeing):
            tell(verdict.agreeing, "unusable", REFUSAL)
            continue
        take(verdict.agreeing)
        row = {"prompt": list(first.prompt), "completion": [_said(first.answer)], "label": verdict.up}
        made.append((_key(first.origin, str(verdict.up)), row))
    return made


def pair_rows(opinions: Sequence[Opinion]) -> Made:
    """DPO: a better and a worse answer to one prompt."""
    return [
        (
            _key(pair.key),
            {"prompt": list(pair.prompt), "chosen": [_said(pair.chosen)], "rejected": [_said(pair.rejected)]},
        )
        for pair in settled_pairs(opinions)
    ]


@dataclass(slots=True, kw_only=True)
class _Candidate:
    """A text that may be worth learning: those for it, by a thumb or as a correction, and those against it."""

    judged: Judged
    text: str
    likes: list[Opinion] = field(default_factory=list)
    corrections: list[Opinion] = field(default_factory=list)
    dislikes: list[Opinion] = field(default_factory=list)

    @property
    def lead(self) -> int:
        return len(self.likes) + len(self.corrections) - len(self.dislikes)


def answer_rows(opinions: Sequence[Opinion]) -> Made:
    """SFT: conversations that end in a liked answer or a correction; earlier answers are read and not learned."""
    made: Made = []
    for candidate in _candidates(opinions):
        agreeing = [*candidate.likes, *candidate.corrections]
        if candidate.lead > 0:
            take(agreeing, SAME_CORRECTION) if not candidate.likes else take(agreeing)
            tell(candidate.dislikes, "contradictions", OUTVOTED)
            origin = candidate.judged.origin
            made.append((_key(origin, key_of(candidate.text)), _conversation(candidate)))
        elif candidate.lead == 0:
            tell([*agreeing, *candidate.dislikes], "contradictions", TIE)
        else:
            tell(agreeing, "contradictions", OUTVOTED)
            tell(candidate.dislikes, "unusable", DISLIKED)
    return made


def _candidates(opinions: Sequence[Opinion]) -> list[_Candidate]:
    found: dict[tuple[str, str], _Candidate] = {}

    def about(judged: Judged, text: str) -> _Candidate:
        return found.setdefault((judged.asked, key_of(text)), _Candidate(judged=judged, text=text))

    for opinion in opinions:
        said = opinion.judged
        candidate = about(said, said.answer)
        (candidate.likes if said.up else candidate.dislikes).append(opinion)
        if said.correction is not None:
            about(said, said.correction).corrections.append(opinion)
    return list(found.values())


def _conversation(candidate: _Candidate) -> Row:
    # A weight of 0 is OpenAI's way to say that a turn is read and not learned.
    earlier = [
        {**turn, "weight": 0} if turn["role"] == "assistant" else turn for turn in candidate.judged.prompt
    ]
    return {"messages": [*earlier, _said(candidate.text)]}


def _said(text: str) -> Turn:
    return {"role": "assistant", "content": text}


def _key(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:48]


MAKERS: dict[str, Callable[[Sequence[Opinion]], Made]] = {
    "kto": thumb_rows,
    "dpo": pair_rows,
    "sft": answer_rows,
}
