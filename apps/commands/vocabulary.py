"""`advisor vocabulary TEXTS --out FOLDER`: a base model that knows the characters of your texts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune.schema import Example
    from finetune.vocabulary import Vocabulary

NOTHING_DONE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "The new folder is a base like any other: --model FOLDER in train, --embedder FOLDER in index. Its new rows "
        "mean little before they are trained, by LoRA too."
    )
    parser.add_argument("texts", nargs="+", help="files of rows or of text, or folders of documents")
    parser.add_argument("--model", default="minilm", help="local folder, hub name, or 'minilm' (default)")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="the folder of the new base")
    parser.add_argument("--size", type=int, metavar="N", help="add no more than the N commonest characters")
    parser.add_argument(
        "--fewest", type=int, metavar="N", help="times that a character has to be seen (default: 2)"
    )
    parser.add_argument(
        "--translations",
        metavar="FILE",
        help='JSONL of {"text": ..., "translation": ...}, words or sentences: new rows start from what they mean',
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")


def run(args: argparse.Namespace) -> int:
    from finetune.vocabulary import FEWEST, extend_vocabulary

    texts = [text for path in args.texts for text in texts_of(path)]
    found = extend_vocabulary(
        args.model,
        texts,
        args.out,
        size=args.size,
        fewest=FEWEST if args.fewest is None else args.fewest,
        translations=read_translations(args.translations) if args.translations else (),
    )
    print(json.dumps(asdict(found), ensure_ascii=False, indent=2) if args.json else render(found, args.model))
    return 0 if found.path else NOTHING_DONE


def texts_of(path: str) -> list[str]:
    """What a file of rows says in any of its columns, or the documents that an index could read."""
    from finetune.formats import load_examples, row_files

    folder = Path(path)
    if folder.is_dir() and not row_files(folder):
        from rag import load_folder

        documents, _ = load_folder(folder)
        return [document.text for document in documents]
    return [text for row in load_examples(path) for text in _said(row)]


def _said(row: Example) -> Iterator[str]:
    yield from (row.text, row.question, row.context, *row.positives, *row.negatives)
    yield from (turn["content"] for turn in (*row.messages, *row.chosen, *row.rejected))


def read_translations(path: str) -> list[tuple[str, str]]:
    """Raises ValueError naming the line that is none."""
    pairs = []
    for number, line in enumerate(Path(path).read_text("utf-8").splitlines(), start=1):
        try:
            row = json.loads(line) if line.strip() else None
            if row is not None:
                pairs.append((str(row["text"]), str(row["translation"])))
        except (json.JSONDecodeError, KeyError, TypeError):
            raise ValueError(
                f'{path}:{number} is no translation; a line is {{"text": ..., "translation": ...}}.'
            ) from None
    return pairs


def render(found: Vocabulary, model: str) -> str:
    """What changed, and the next step."""
    if found.path is None and found.left_out:
        return (
            f"Nothing was added: {found.left_out} characters are missing in '{model}', each seen too rarely; "
            "give more texts, or --fewest 1."
        )
    if found.path is None:
        return f"Nothing to add: '{model}' knows every character of these texts."
    rest = f", {found.left_out} rarer ones left out" if found.left_out else ""
    return "\n".join(
        [
            f"Unknown tokens  {found.unknown_before:.1%} before, {found.unknown_after:.1%} now",
            f"Rows added      {found.added} ({found.mib:.1f} MiB){rest}",
            f"The commonest   {' '.join(found.commonest)}",
            f"Next: train them, for example with advisor train rows.jsonl --model {found.path} --objective embed",
        ]
    )
