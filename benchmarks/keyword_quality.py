"""What each choice of the keyword leg brings: nDCG@10 on the shared search sets, test queries, one line a variant.

The sets are for testing: a variant is kept for a reason, helps on average and costs no set more than .003.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from results import RESULTS, machine, tell
from search_sets import SETS, gold_of, lines_of, ndcg, need_sets

import rag.keyword as keyword
from rag.words import index_terms, is_chinese, tokenize

TITLE = "Keyword leg: what each choice brings"
NAMES = (
    "medquad_en",
    "covidqa_en",
    "pubmedqa_en",
    "squad_en",
    "cmrc_zh",
    "finance_zh",
    "medical_zh",
    "xquad_zh_en",
)

Cut = Callable[[str], list[str]]


def without_characters(text: str) -> list[str]:
    return [term for term in index_terms(text) if len(term) > 1 or not is_chinese(term)]


def without_dictionary(text: str) -> list[str]:
    return [term for term in index_terms(text) if len(term) < 3 or not is_chinese(term)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How it differs from what is in force."""

    cut: Cut = index_terms
    k1: float = keyword.K1
    b: float = keyword.B
    delta: float = keyword.DELTA
    delta_chinese: float = 0.0
    title_times: int = 1
    once: bool = False  # a word said twice in the query counts once


VARIANTS = {
    "in force": Variant(),
    "plain BM25 (delta 0)": Variant(delta=0.0),
    "delta .25": Variant(delta=0.25),
    "delta 1": Variant(delta=1.0),
    "delta .5 in Chinese, too": Variant(delta_chinese=0.5),
    "Chinese without characters": Variant(cut=without_characters),
    "Chinese characters and pairs only": Variant(cut=without_dictionary),
    "Chinese words only": Variant(cut=tokenize),
    "k1 .9 b .4": Variant(k1=0.9, b=0.4),
    "k1 2 b .75": Variant(k1=2.0),
    "a query's words once": Variant(once=True),
    "title twice": Variant(title_times=2),
}


class Ranking:
    """BM25 written out, so that every part of it can be changed."""

    def __init__(self, chunks: Sequence[Sequence[str]]) -> None:
        self.size = len(chunks)
        self.lengths = np.array([len(terms) for terms in chunks], dtype=float)
        found: dict[str, list[tuple[int, int]]] = {}
        for position, terms in enumerate(chunks):
            for term, count in Counter(terms).items():
                found.setdefault(term, []).append((position, count))
        self.rows = {term: np.array(row).T for term, row in found.items()}

    def best(self, terms: Sequence[str], variant: Variant, k: int = 10) -> list[int]:
        scores = np.zeros(self.size)
        norms = variant.k1 * (1 - variant.b + variant.b * self.lengths / self.lengths.mean())
        for term, times in Counter(set(terms) if variant.once else terms).items():
            if term in self.rows:
                positions, counts = self.rows[term]
                idf = np.log(1 + (self.size - len(positions) + 0.5) / (len(positions) + 0.5))
                delta = variant.delta_chinese if is_chinese(term) else variant.delta
                scores[positions] += times * idf * (counts / (counts + norms[positions]) + delta)
        order = np.argsort(-scores, kind="stable")[:k]
        return [int(position) for position in order if scores[position] > 0]


def measure(name: str) -> tuple[int, list[float]]:
    """How many queries there are, and nDCG@10 of each variant."""
    corpus, gold = lines_of(SETS / name / "corpus.jsonl.gz"), gold_of(SETS / name)
    asked = [row for row in lines_of(SETS / name / "queries.jsonl.gz") if row["_id"] in gold]
    rankings: dict[tuple[Cut, int], Ranking] = {}
    found = []
    for variant in VARIANTS.values():
        key = (variant.cut, variant.title_times)
        if key not in rankings:
            texts = [f"{row.get('title', '')}\n" * variant.title_times + row["text"] for row in corpus]
            rankings[key] = Ranking([variant.cut(text) for text in texts])
        orders = [rankings[key].best(variant.cut(row["text"]), variant) for row in asked]
        scores = [
            ndcg([corpus[at]["_id"] for at in order], gold[row["_id"]])
            for row, order in zip(asked, orders, strict=True)
        ]
        found.append(float(np.mean(scores)))
    return len(asked), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    need_sets()
    measured = {name: measure(name) for name in NAMES}
    table = np.array([scores for _, scores in measured.values()]).T
    rows = [
        f"| {label} | {' | '.join(f'{score:.3f}' for score in row)} | {row.mean():.4f} |"
        for label, row in zip(VARIANTS, table, strict=True)
    ]
    heads = [f"{name} ({count})" for name, (count, _) in measured.items()]
    text = "\n".join(
        [
            f"## {TITLE}", "", "nDCG@10, whole passages, all test queries (their number in brackets).", "",
            f"| variant | {' | '.join(heads)} | mean |", "|---|" + "---:|" * (len(NAMES) + 1), *rows, "", machine(),
        ]
    )  # fmt: skip
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
