"""How much a trained reader's surety counts beside words and meaning: short answers and refusals on dev questions.

Support is the logit of the judge "aligned"; `weight` of the reader's score is added to it. F1 is of the span in the
sentence with the greatest sum, for questions with an answer; refusals are told with the gold document there
("wrongly") and taken out of the hits ("rightly"), at two thresholds: that of "aligned", and a lower one. The chosen
weight and threshold stand in rag/refusal.toml as judge "read".
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from domain_sets import DOMAIN_SETS, Asked, DomainSet, drawn, index_of
from recipes import FOLDER
from results import RESULTS, machine, tell
from whole_answers import Scoped

from finetune.span_scores import f1
from rag import Index
from rag.alignment import lead_of
from rag.embed import load_embedder
from rag.reader import AlignedReader, answers_of, surety
from rag.refusal import read_judges
from rag.schema import Hit
from rag.span_reader import open_span_reader
from rag.tuned import shipped

TITLE = "A trained reader beside words and meaning"
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
THRESHOLDS = (read_judges()["aligned"].threshold, 0.119)
AWAY = 60  # hits among which those of other documents are looked for


@dataclass(frozen=True, slots=True)
class Sentence:
    support: float  # logit
    read: float
    f1: float  # of its span


def sentences(reader: AlignedReader, asked: Asked, hits: list[Hit]) -> list[Sentence]:
    judge = read_judges()["aligned"]
    spans = reader.readings(asked.text, hits)
    found = []
    for number, alignment, features in reader.features(asked.text, hits)[1]:
        chunk = hits[number - 1].chunk
        text = lead_of(chunk) + chunk.text
        support = np.clip(judge.support(features), 1e-9, 1 - 1e-9)
        answers = answers_of(spans[number - 1], chunk, alignment) if spans else ()
        for share, answer in zip(support, answers, strict=bool(spans)):
            said = text[answer.start : answer.end] if answer else ""
            score = max((f1(said, gold) for gold in asked.golds), default=0.0)
            found.append(Sentence(float(np.log(share / (1 - share))), surety(answer), score))
    return found


def hits_of(chosen: DomainSet, index: Index, asked: Asked, *, gone: bool) -> list[Hit]:
    if chosen.scoped:
        return list(Scoped(index, asked.source).search(asked.text, k=6))
    if not gone:
        return index.search(asked.text, k=6)
    title = asked.source.split("#")[0]  # all paragraphs of an article of SQuAD
    others = (hit for hit in index.search(asked.text, k=AWAY) if hit.chunk.source.split("#")[0] != title)
    return list(others)[:6]


def lines_of(name: str, adapter: Path, count: int, folder: Path) -> list[str]:
    chosen = DOMAIN_SETS[name]()
    index = index_of(chosen, folder, load_embedder())
    reader = AlignedReader(index.rarity, index.embedder, spans=open_span_reader(adapter))
    usable = [asked for asked in chosen.questions["dev"] if asked.golds and asked.kind in ("", "span")]
    questions = drawn(usable, count)
    there = [sentences(reader, asked, hits_of(chosen, index, asked, gone=False)) for asked in questions]
    away = []
    if not chosen.scoped:
        away = [sentences(reader, asked, hits_of(chosen, index, asked, gone=True)) for asked in questions]
    return [_line(name, weight, there, away) for weight in WEIGHTS]


def _line(name: str, weight: float, there: list[list[Sentence]], away: list[list[Sentence]]) -> str:
    def best(found: list[Sentence]) -> tuple[float, float]:
        sums = [(one.support + weight * one.read, one.f1) for one in found]
        return max(sums, default=(-99.0, 0.0))

    scores = float(np.mean([best(found)[1] for found in there]))
    shares = []
    for threshold in THRESHOLDS:
        limit = float(np.log(threshold / (1 - threshold)))
        for cases in (there, away):
            refused = [best(found)[0] < limit for found in cases]
            shares.append(f"{np.mean(refused):.3f}" if refused else "-")
    return f"| {name} | {weight} | {len(there)} | {scores:.3f} | {' | '.join(shares)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", type=Path, default=shipped("reader"), help="an adapter's folder")
    parser.add_argument("--sets", nargs="+", default=["squad_en", "tatqa_en", "covidqa_en", "pubmedqa_en"])
    parser.add_argument("--count", type=int, default=80, help="questions of each set")
    parser.add_argument("--cache", type=Path, default=FOLDER, help="where indexes are kept")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    lines = [
        line for name in chosen.sets for line in lines_of(name, chosen.reader, chosen.count, chosen.cache)
    ]
    shares = " | ".join(f"wrongly at {t} | rightly at {t}" for t in THRESHOLDS)
    head = [f"| set | weight | questions | F1 | {shares} |", "|---|" + "---:|" * 7]
    paragraph = (__doc__ or "").strip().replace("\n\n", "\n")
    text = "\n".join([f"## {TITLE}", "", paragraph, "", *head, *lines, "", machine()]) + "\n"
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
