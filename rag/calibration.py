"""When to refuse, found for one index from its own questions: each is asked with its sources and without them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.durable import replace_file
from rag.refusal import Judge, read_judges

if TYPE_CHECKING:
    from rag.index import Index

_log = logging.getLogger(__name__)
NAME = "refusal.json"
FEWEST = 20  # answerable questions: of fewer, a share of a tenth is a guess
WRONGLY = 0.1
_KINDS = ("answerable", "removed", "unanswerable")
_GRID = np.linspace(0.001, 0.999, 999)

Support = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A question and the sources that answer it; none where nothing in the index does."""

    question: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """The threshold of one judge; the shares are of the questions that it was found on."""

    judge: str  # "read", "aligned" or "lexical": by a trained reader too, by meaning and words, or by words alone
    threshold: float
    before: float  # the threshold that holds without
    answerable: int
    unanswerable: int
    wrongly_refused: float
    rightly_refused: float
    wrongly_refused_before: float
    rightly_refused_before: float


def calibrate(
    index: Index,
    questions: Sequence[Labelled],
    *,
    wrongly: float = WRONGLY,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Calibrated]:
    """Find the threshold of each judge that has enough questions; nothing is written.

    At most the share `wrongly` of the answerable questions is refused; under that, the threshold is where most is
    told apart. Raises ValueError for too few questions and for sources that the index does not hold.
    """
    _check(index, questions, wrongly)
    asked = _ask(index, questions, progress)
    found = []
    for name in read_judges():
        answerable, removed, unanswerable = (asked[name, kind] for kind in _KINDS)
        # What somebody marked is surer than a document taken out, whose answer another may hold too.
        others = unanswerable if len(unanswerable) >= FEWEST else removed + unanswerable
        if len(answerable) >= FEWEST:
            found.append(choose_threshold(name, np.array(answerable), np.array(others), wrongly))
    if not found:
        most = max(len(asked[name, "answerable"]) for name in read_judges())
        raise ValueError(f"{most} answerable questions of one kind are too few; give at least {FEWEST}.")
    return found


def _check(index: Index, questions: Sequence[Labelled], wrongly: float) -> None:
    if not 0 < wrongly < 1:
        raise ValueError(f"wrongly={wrongly} is no share; give one between 0 and 1, such as {WRONGLY}.")
    held = {document.source for document in index.documents()}
    for asked in questions:
        if unknown := [source for source in asked.sources if source not in held]:
            raise ValueError(
                f"{unknown[0]!r}, the source of {asked.question!r}, is not in {index.path}; index it, or leave the "
                f"question out."
            )
    if (answerable := sum(bool(asked.sources) for asked in questions)) < FEWEST:
        raise ValueError(f"{answerable} answerable questions are too few; give at least {FEWEST}.")


def _ask(
    index: Index, questions: Sequence[Labelled], progress: Callable[[str, int, int], None] | None
) -> dict[tuple[str, str], list[float]]:
    """Support of every question by judge and kind."""
    from rag.absent import WithoutSources
    from rag.domain_readers import domain_reader

    reader, judges = WithoutSources(index, domain_reader("general")), read_judges()
    found: dict[tuple[str, str], list[float]] = {(name, kind): [] for name in judges for kind in _KINDS}
    for number, asked in enumerate(questions):
        kinds = ("answerable", "removed") if asked.sources else ("unanswerable",)
        for kind in kinds:
            removed = asked.sources if kind == "removed" else ()
            (name, read), _ = reader.read(asked.question, removed, index.config.k)
            best = max((float(judges[name].support(features).max()) for _, _, features in read), default=0.0)
            found[name, kind].append(best)
        if progress is not None:
            progress("ask", number + 1, len(questions))
    return found


def choose_threshold(name: str, answerable: Support, unanswerable: Support, wrongly: float) -> Calibrated:
    """The threshold that tells most apart and refuses at most `wrongly` of the answerable; arguments are supports."""
    judge: Judge = read_judges()[name]
    refused = np.array([(answerable < least).mean() for least in _GRID])
    told = np.array([(unanswerable < least).mean() for least in _GRID]) - refused
    allowed = np.flatnonzero(refused <= wrongly)
    threshold = float(_GRID[allowed[np.argmax(told[allowed])]]) if len(allowed) else judge.hopeless
    threshold = max(threshold, judge.hopeless)
    return Calibrated(
        judge=name,
        threshold=round(threshold, 3),
        before=judge.threshold,
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        wrongly_refused=float((answerable < threshold).mean()),
        rightly_refused=float((unanswerable < threshold).mean()),
        wrongly_refused_before=float((answerable < judge.threshold).mean()),
        rightly_refused_before=float((unanswerable < judge.threshold).mean()),
    )


def write_calibration(index: Index, found: Sequence[Calibrated]) -> Path:
    """Keep the thresholds beside the index: whoever opens it refuses by them. Updates of the index leave them."""
    path = index.path / NAME
    content: dict[str, Any] = {
        "date": date.today().isoformat(),
        "weight_hash": index.embedder.weight_hash,
        "judges": [asdict(one) for one in found],
    }
    replace_file(path, json.dumps(content, indent=1).encode())
    return path


def read_thresholds(folder: Path, weight_hash: str) -> Mapping[str, float]:
    """The thresholds by judge that were found for an index; empty where none were, or for another embedder."""
    try:
        content = json.loads((folder / NAME).read_text("utf-8"))
        found = {str(one["judge"]): float(one["threshold"]) for one in content["judges"]}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, OSError) as error:
        _log.warning("%s is damaged (%s); run advisor calibrate again.", folder / NAME, error)
        return {}
    return found if content.get("weight_hash") == weight_hash else {}
