"""Fills a name and a maker into questions.jsonl and writes training rows: each question twice, once alone and once
after the instructions that `advisor ask` gives a model, so that it is known by its name in either case.

    python examples/identity/make_rows.py --name Tarn --maker "Mill Street Library" --out build/identity.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.prompt import build_messages

QUESTIONS = Path(__file__).with_name("questions.jsonl")


def rows(name: str, maker: str, zh_name: str = "", zh_maker: str = "") -> Iterator[dict[str, Any]]:
    """Conversations with their split. Chinese rows take the Chinese names where these are given."""
    names = {"en": (name, maker), "zh": (zh_name or name, zh_maker or maker)}
    for line in QUESTIONS.read_text("utf-8").splitlines():
        row = json.loads(line)
        filled = dict(zip(("name", "maker"), names[row["language"]], strict=True))
        ask, say = row["ask"].format(**filled), row["say"].format(**filled)
        answer = {"role": "assistant", "content": say}
        for asked in ([{"role": "user", "content": ask}], build_messages(ask)):
            yield {"messages": [*asked, answer], "split": row["split"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", required=True, help="what the assistant calls itself")
    parser.add_argument("--maker", required=True, help="who made it")
    parser.add_argument("--zh-name", default="", help="the name in Chinese rows (default: the same)")
    parser.add_argument("--zh-maker", default="", help="the maker in Chinese rows (default: the same)")
    parser.add_argument(
        "--out", type=Path, required=True, help="the file to write, e.g. build/identity.jsonl"
    )
    given = parser.parse_args()
    if not given.name.strip() or not given.maker.strip():
        parser.error("--name and --maker want a word each.")
    made = list(rows(given.name, given.maker, given.zh_name, given.zh_maker))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), "utf-8")
    learned = sum(row["split"] == "train" for row in made)
    print(f"{given.out}: {learned} rows to learn, {len(made) - learned} to score")


if __name__ == "__main__":
    main()
