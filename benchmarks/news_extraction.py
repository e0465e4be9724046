"""How well the rules of finance news find companies and risks, and what the weights say of single companies: on dev.

Companies are compared with the names of CFBenchmark's company task, risks with the texts of its risk task (free texts:
an item counts as found where a found risk shares half of its pairs of characters), directions with FinEntity's.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from methods_runs import SHARED

from apps.news_companies import companies
from apps.news_reading import quote_at
from apps.news_risks import risks
from apps.news_sentiment import company_directions, sentiment
from finetune.evaluate import accuracy, macro_f1

FINANCE = Path(os.environ.get("FINANCE_ZH", SHARED.parent / "finance_zh"))
_ITEMS = re.compile(r"[;；。\n]+|\d[、.．)）]|[（(]\d[)）]|风险提示[:：]?")


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def tasks(name: str, split: str) -> Iterator[tuple[str, str]]:
    """Text and answer of each row of a task."""
    texts = {row["doc_id"]: row["text"] for row in rows(FINANCE / "cfbenchmark_documents.jsonl.gz")}
    for row in rows(FINANCE / f"cfbenchmark_tasks_{split}.jsonl.gz"):
        if row["task"] == name:
            yield texts[row["doc_id"]], row["answer"]


def company_scores(split: str) -> dict[str, float]:
    """Names that stand in the text; a found one counts where it holds the given name or is held by it."""
    found = given = right = met = 0
    for text, answer in tasks("company", split):
        names = {name.strip() for name in re.split(r"[，,、;；]", answer)}
        names = {name for name in names if name and name in text}
        said = set(companies(text, "zh"))
        given, found = given + len(names), found + len(said)
        right += sum(any(one in name or name in one for name in names) for one in said)
        met += sum(any(one in name or name in one for one in said) for name in names)
    return {"names": given, "precision": right / max(found, 1), "recall": met / max(given, 1)}


def risk_scores(split: str) -> dict[str, float]:
    """`in_text`: the share of items that any sentence of the text could have shown."""
    items = found = right = met = held = 0
    for text, answer in tasks("risk", split):
        wanted = [_pairs(item) for item in _ITEMS.split(answer) if len(item.strip()) > 3]
        said = [_pairs(risk.quote) for risk in risks(text, "zh")]
        whole = _pairs(text)
        items, found = items + len(wanted), found + len(said)
        met += sum(any(_shared(item, one) for one in said) for item in wanted)
        held += sum(_shared(item, whole) for item in wanted)
        right += sum(any(_shared(item, one) or _shared(one, item) for item in wanted) for one in said)
    return {
        "items": items,
        "in_text": held / items,
        "recall": met / items,
        "precision": right / max(found, 1),
    }


def _pairs(text: str) -> set[str]:
    letters = re.sub(r"\W+", "", text)
    return {letters[at : at + 2] for at in range(len(letters) - 1)}


def _shared(item: set[str], other: set[str]) -> bool:
    return bool(item) and len(item & other) >= len(item) / 2


def direction_scores(split: str) -> dict[str, dict[str, float]]:
    """Of each entity given: by its clauses, by the whole text, and by the most frequent label."""
    gold, clauses, whole = [], [], []
    for row in rows(SHARED / f"finance_en_{split}.jsonl.gz"):
        text = row["text"]
        given: dict[str, list[Any]] = {}
        for entity in row["entities"]:
            given.setdefault(entity["entity"], []).append(entity)
        names = {
            name: [quote_at(text, entity["start"], entity["end"]) for entity in entities]
            for name, entities in given.items()
        }
        overall = sentiment(text, "en")
        for company in company_directions(text, "en", names, overall):
            gold.append(given[company.name][0]["label"])
            clauses.append(company.label)
            whole.append(overall.label)
    most = [Counter(gold).most_common(1)[0][0]] * len(gold)
    return {
        name: {"accuracy": accuracy(gold, said), "macro_f1": macro_f1(gold, said)}
        for name, said in {"clauses": clauses, "whole text": whole, "majority": most}.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="dev", choices=("train", "dev", "test"))
    split = parser.parse_args().split
    print("companies", _rounded(company_scores(split)))
    print("risks", _rounded(risk_scores(split)))
    for name, found in direction_scores(split).items():
        print("direction of a company by", name, _rounded(found))


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in found.items()}


if __name__ == "__main__":
    main()
