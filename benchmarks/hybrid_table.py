"""The table of hybrid.py: means over questions and seeds, and how far each way stands above retrieval alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

TITLE = "Hybrid: tuned embedder, tuned reader, both"
DRAWS = 5000
TEXT = """
Test questions of each set, k = 6, extractive generator. The embedder and the readers of finance and medicine
are trained by domain_adapters.py, the latter on one general reader; that of squad_en is the one that is
shipped, a mean; seeds in this table: {seeds} (± is the deviation between them). Base: MiniLM as it is, and the
reader that goes by words and meaning and quotes sentences. A question of TAT-QA names no company and is asked
of its gold report alone (a filter on metadata); of its questions only those whose answer is a span: no reader
here calculates. F1 and EM as SQuAD 2.0 counts them, of the short answer, or of the quoted sentences where there
is none. PubMedQA's gold answer is a conclusion that stands in no document, MedQuAD's a whole section. nDCG@10
of the passages that hold the answer. Cited: the gold document; quoted: the stretch of it that answers. Gain: F1
over base / base with the 95 % interval of {draws} bootstrap draws of questions. Closed book has no row: a
reader that marks spans says nothing without passages. All but gain and ms in per cent; ms is the median of
search and reading of the first 40 questions, each asked of all ways in turn.
"""

Kept = dict[str, float | None]  # one question asked: em, f1, cited, quoted, wrongly, rightly, ms, ndcg
Cell = Sequence[Sequence[Kept]]  # by seed


def section(
    found: Mapping[tuple[str, str], Cell],
    times: Mapping[tuple[str, str], float],
    domains: Mapping[str, str],
    machine: str,
) -> str:
    """`times`: milliseconds by set and way; of several sets together none is told."""
    base = next(iter(found))[1]
    rows = [
        _row(name, way, cell, found[name, base], way == base, f"{times[name, way]:.0f}")
        for (name, way), cell in found.items()
    ]
    for domain in dict.fromkeys(domains.values()):
        names = [name for name in domains if domains[name] == domain]
        if len(names) > 1:
            for way in dict.fromkeys(way for _, way in found):
                cell, plain = (_together([found[name, one] for name in names]) for one in (way, base))
                rows.append(_row(f"{domain}, all", way, cell, plain, way == base, "-"))
    return "\n".join([*_head(found), *rows, "", machine]) + "\n"


def _together(cells: Sequence[Cell]) -> Cell:
    return [[row for part in parts for row in part] for parts in zip(*cells, strict=True)]


def _row(name: str, way: str, cell: Cell, plain: Cell, is_base: bool, ms: str) -> str:
    means = [_mean(cell, part) for part in ("f1", "em", "ndcg", "cited", "quoted", "wrongly", "rightly")]
    first, *others = ["-" if mean is None else f"{100 * mean:.1f}" for mean in means]
    spread = "" if is_base else f" ± {_spread(cell):.1f}"
    gain = "" if is_base else _gain(_by_question(cell), _by_question(plain))
    return f"| {name} | {way} | {len(cell[0])} | {' | '.join([first + spread, *others])} | {ms} | {gain} |"


def _mean(cell: Cell, part: str) -> float | None:
    known = [row[part] for seed in cell for row in seed if row[part] is not None]
    return float(np.mean(known)) if known else None  # type: ignore[arg-type]


def _spread(cell: Cell) -> float:
    """The standard deviation of the seeds' F1, in points."""
    return 100 * float(np.std([_mean([seed], "f1") or 0.0 for seed in cell], ddof=min(1, len(cell) - 1)))


def _by_question(cell: Cell) -> NDArray[np.float64]:
    """F1 of each question, the mean of the seeds."""
    return np.array([[row["f1"] for row in seed] for seed in cell], dtype=float).mean(axis=0)


def _gain(mine: NDArray[np.float64], base: NDArray[np.float64]) -> str:
    """The mean difference in points and its 95 % interval over questions (bootstrap)."""
    differences = 100 * (mine - base)
    draws = np.random.default_rng(0).choice(differences, (DRAWS, len(differences))).mean(1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{differences.mean():+.1f} ({low:+.1f} to {high:+.1f})"


def _head(found: Mapping[tuple[str, str], Cell]) -> list[str]:
    seeds = max(len(cell) for cell in found.values())
    titles = (
        "set, way, questions, F1, EM, nDCG@10, cited, quoted, wrongly refused, rightly refused, ms, F1 gain"
    )
    columns = f"| {titles.replace(', ', ' | ')} |"
    text = TEXT.format(seeds=seeds, draws=DRAWS).strip()
    return [f"## {TITLE}", "", text, "", columns, "|---|---|" + "---:|" * 10]
