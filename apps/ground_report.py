"""What became of examples that were grounded: how many rows, what they hold, how well the search did, their length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetune.schema import Example
from rag.citations import cite
from rag.schema import Hit

TOO_LONG, CLOSED_BOOK, REFUSED = "too_long", "closed_book", "refused"
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One example's row with the passages in the order of their numbers; None where it would not fit."""

    row: Example | None
    line: int
    split: str
    how: str  # its gold was found: exact, support, source; or too_long, closed_book, refused
    hits: tuple[Hit, ...] = ()
    number: int | None = None  # of the gold passage
    rank: int | None = None  # of the gold passage in the question's own search
    tokens: int = 0  # of the prompt
    dropped: int = 0  # passages that the prompt had no room for
    refuses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundReport:
    """Counts of rows, but for `examples`. Shares are 0 to 1, of the rows whose gold passage is known."""

    examples: int
    learned: int
    held_out: int
    with_gold: int  # of the learned ones
    without_gold: int
    closed_book: int
    refusing: int
    found_by: dict[str, int]  # how gold passages were found -> how many
    not_found: tuple[int, ...]  # lines of examples whose answer no passage holds
    unknown_sources: int  # examples that name documents which the index does not hold
    leaking: int  # left out, as a held-out row has their document or question
    too_long: int  # left out, as the gold passage alone does not fit into a prompt
    crowded: int  # rows that had no room for all their distractors
    few_distractors: int  # learned rows for which the index has fewer than asked for
    citations_hold: float  # of the rows with gold: the answer's mark stands up to the check that answers get
    k: int
    found_in_k: float  # the question's own search finds the gold passage among its first k
    held_found_in_k: float | None  # the same of the held-out rows
    prompt_tokens: dict[str, int]  # mean, p95, most
    settings: dict[str, Any]

    def lines(self) -> tuple[str, ...]:
        """The report in sentences."""
        return tuple(line for line in _lines(self) if line)

    def why_none(self) -> str:
        """The commonest reason, and what to do."""
        if self.too_long:
            return f"{self.too_long} gold passages do not fit into a prompt; give more room or index smaller chunks."
        if self.leaking:
            return f"{self.leaking} share a document or question with a held-out row; use --shared-documents."
        return (
            "no passage of the index holds an answer; index the documents that do, or keep rows closed book."
        )


def count_up(
    made: Sequence[Made],
    *,
    examples: int,
    not_found: tuple[int, ...],
    unknown_sources: int,
    leaking: int,
    k: int,
    config: Any,
) -> GroundReport:
    rows = [one for one in made if one.row is not None]
    learned = [one for one in rows if one.split == "train"]
    golden = [one for one in rows if one.how not in (CLOSED_BOOK, REFUSED)]
    marked = [one for one in rows if one.number is not None]
    held = [one for one in golden if one.split != "train"]
    return GroundReport(
        examples=examples,
        learned=len(learned),
        held_out=len(rows) - len(learned),
        with_gold=sum(one.number is not None for one in learned),
        without_gold=sum(one.number is None and bool(one.hits) for one in learned),
        closed_book=sum(not one.hits for one in learned),
        refusing=sum(one.refuses for one in learned),
        found_by=dict(Counter(one.how for one in golden).most_common()),
        not_found=not_found,
        unknown_sources=unknown_sources,
        leaking=leaking,
        too_long=len(made) - len(rows),
        crowded=sum(one.dropped > 0 for one in rows),
        few_distractors=sum(
            0 < len(one.hits) + one.dropped < k or (one.how in (*_FOUND, REFUSED) and not one.hits)
            for one in learned
        ),
        citations_hold=_share([_holds(one) for one in marked]),
        k=k,
        found_in_k=_share([_in(one, k) for one in golden]),
        held_found_in_k=_share([_in(one, k) for one in held]) if held else None,
        prompt_tokens=_tokens([one.tokens for one in rows]),
        settings=asdict(config),
    )


_FOUND = ("exact", "support", "source")


def _holds(one: Made) -> bool:
    said = one.row.messages[-1]["content"] if one.row is not None else ""
    return any(citation.number == one.number for citation in cite(said, one.hits).citations)


def _in(one: Made, k: int) -> bool:
    return one.rank is not None and one.rank <= k


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0.0


def _tokens(counts: Sequence[int]) -> dict[str, int]:
    if not counts:
        return {}
    ordered = sorted(counts)
    p95 = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
    return {"mean": round(sum(ordered) / len(ordered)), "p95": p95, "most": ordered[-1]}


def _lines(report: GroundReport) -> list[str]:
    found = ", ".join(f"{count} by {how}" for how, count in report.found_by.items())
    absent = "refuse" if report.settings["without_gold"] == "refuse" else "answer all the same"
    held = "" if report.held_found_in_k is None else f" ({report.held_found_in_k:.0%} of the held-out ones)"
    return [
        f"grounded {report.learned} rows to learn: {report.with_gold} with the passage that answers, "
        f"{report.without_gold} without it ({absent}), {report.closed_book} closed book",
        f"{report.held_out} held-out rows hold what a search finds, as at work" if report.held_out else "",
        f"gold passages found: {found}" if found else "",
        f"a search finds the gold passage among its first {report.k} for {report.found_in_k:.0%} of the "
        f"questions{held}; ask with -k {report.k} to read as many passages as in training",
        f"{report.citations_hold:.0%} of the cited answers stand up to the check of citations",
        _tokens_line(report.prompt_tokens),
        _not_found(report),
        f"{report.unknown_sources} examples name documents that the index does not hold"
        if report.unknown_sources
        else "",
        f"{report.leaking} rows left out: their document or question is held out" if report.leaking else "",
        f"{report.too_long} rows left out: the gold passage does not fit into a prompt"
        if report.too_long
        else "",
        f"{report.crowded} rows had no room for all their distractors" if report.crowded else "",
        f"{report.few_distractors} rows have fewer than {report.k} passages: the index holds no more that differ "
        "and may be shown"
        if report.few_distractors
        else "",
    ]


def _tokens_line(tokens: dict[str, int]) -> str:
    if not tokens:
        return ""
    return f"prompts of {tokens['mean']} tokens on average, 95 % within {tokens['p95']}, {tokens['most']} at most"


def _not_found(report: GroundReport) -> str:
    if not report.not_found:
        return ""
    shown = ", ".join(map(str, report.not_found[:_SHOWN]))
    more = " ..." if len(report.not_found) > _SHOWN else ""
    kept = "kept closed book" if report.settings["not_found"] == "closed_book" else "left out"
    return f"{len(report.not_found)} examples {kept}: no passage holds their answer (lines {shown}{more})"
