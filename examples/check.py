"""Checks example sets: quotes verbatim in their documents, no duplicates, disjoint splits, enough of everything.

    python examples/check.py [finance] [medical] [path/to/another/set]

Prints one table per run and every defect by name; exits 1 when there is a defect.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.loaders import list_files, load_folder
from rag.schema import Document

EXAMPLES = Path(__file__).resolve().parent
LEAST = {
    "documents": 12,
    "formats": 5,
    "pages": 40,
    "questions": 80,
    "unanswerable": 20,
    "answerable en": 10,
    "answerable zh": 10,
    "headlines": 200,
}
# What fills a printed page where the format has no pages of its own.
PAGE_CHARACTERS = {"en": 3000, "zh": 1200}
LABELS = {"positive": "利好", "negative": "利空", "neutral": "中性"}
SPLITS = ("train", "dev", "test")
LARGEST_IMBALANCE = 0.10
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was counted in one set and what is wrong with it."""

    name: str
    counts: dict[str, int]
    defects: list[str]


def check_set(folder: Path) -> Checked:
    """Check the documents, questions and, where there are any, headlines of one set."""
    documents, problems = load_folder(folder / "docs")
    rows, broken = read_rows(folder / "qa.jsonl")
    counts = count_documents(folder, documents) | count_questions(rows)
    defects = [*problems, *broken, *missing_outputs(folder), *unread_languages(documents)]
    defects += check_questions(rows, {document.source: document for document in documents})
    if (folder / "headlines.jsonl").exists():
        headlines, broken = read_rows(folder / "headlines.jsonl")
        counts["headlines"] = len(headlines)
        defects += [*broken, *check_headlines(headlines)]
    defects += [
        f"only {counts[what]} {what}; at least {least} are needed"
        for what, least in LEAST.items()
        if counts.get(what, least) < least
    ]
    return Checked(name=folder.name, counts=counts, defects=defects)


def read_rows(path: Path) -> tuple[list[Row], list[str]]:
    """The rows of a JSONL file and one line for each that is not a JSON object."""
    rows: list[Row] = []
    broken: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            broken.append(f"{path.name} line {number} is no JSON: {error}")
            continue
        if isinstance(row, dict):
            rows.append(row)
        else:
            broken.append(f"{path.name} line {number} is no object")
    return rows, broken


def language_of(text: str) -> str:
    """'zh' where more than a tenth of the characters are Chinese, else 'en'."""
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    return "zh" if chinese > 0.1 * len(text) else "en"


def page_count(document: Document) -> float:
    """Real pages of a PDF; for the rest, what the text would fill."""
    return len(document.pages) or len(document.text) / PAGE_CHARACTERS[language_of(document.text)]


def count_documents(folder: Path, documents: Sequence[Document]) -> dict[str, int]:
    return {
        "documents": len(documents),
        "formats": len({path.suffix.lower() for path, _ in list_files(folder / "docs")}),
        "pages": int(sum(map(page_count, documents))),
        "PDF pages": sum(len(document.pages) for document in documents),
        "zh documents": sum(language_of(document.text) == "zh" for document in documents),
    }


def count_questions(rows: Sequence[Row]) -> dict[str, int]:
    kinds = Counter((bool(row.get("answerable")), row.get("language")) for row in rows)
    splits = Counter(row.get("split") for row in rows)
    return {
        "questions": len(rows),
        "answerable en": kinds[True, "en"],
        "answerable zh": kinds[True, "zh"],
        "unanswerable": kinds[False, "en"] + kinds[False, "zh"],
        "unanswerable zh": kinds[False, "zh"],
    } | {split: splits[split] for split in SPLITS}


def missing_outputs(folder: Path) -> list[str]:
    """Sources whose built document is not there."""
    outputs = {
        path.name: re.search(r"(?m)^output:\s*(\S+)", path.read_text(encoding="utf-8"))
        for path in sorted((folder / "source").glob("*.md"))
    }
    return [
        f"source/{name} names no built document; run: python examples/make_documents.py {folder.name}"
        for name, output in outputs.items()
        if not output or not (folder / "docs" / output[1]).exists()
    ]


def unread_languages(documents: Sequence[Document]) -> list[str]:
    absent = {"en", "zh"} - {language_of(document.text) for document in documents}
    return [f"no document in language {language}" for language in sorted(absent)]


def check_questions(rows: Sequence[Row], documents: Mapping[str, Document]) -> list[str]:
    """Every defect of the question-answer pairs."""
    defects = [*duplicates(rows, "question"), *check_splits(rows, "questions"), *leaked_quotes(rows)]
    for row in rows:
        defects += [f"{row.get('id')}: {fault}" for fault in question_faults(row, documents)]
    return defects


def question_faults(row: Row, documents: Mapping[str, Document]) -> list[str]:
    if row.get("language") not in ("en", "zh"):
        return [f"unknown language {row.get('language')!r}"]
    if not row.get("answerable"):
        filled = [key for key in ("answer", "source", "quote", "page") if row.get(key)]
        return [f"is unanswerable but has {', '.join(filled)}"] if filled else []
    if not row.get("answer"):
        return ["is answerable but has no answer"]
    unknown = [name for name in [row.get("source"), *row.get("also", [])] if name not in documents]
    if unknown:
        return [f"document {name!r} is not in docs/" for name in unknown]
    return quote_faults(row, documents[row["source"]])


def quote_faults(row: Row, document: Document) -> list[str]:
    """Whether the quote stands in the document and, for a PDF, on the stated page."""
    quote = normal_space(row.get("quote") or "")
    if not quote:
        return ["has no quote"]
    if quote not in normal_space(document.text):
        return [f"quote is not in {document.source}: {quote[:60]!r}"]
    holding = [
        page.number for page in document.pages if quote in normal_space(document.text[page.start : page.end])
    ]
    if document.pages and row.get("page") not in holding:
        return [f"quote is on page {holding} of {document.source}, not on {row.get('page')}"]
    if not document.pages and row.get("page") is not None:
        return [f"{document.source} has no pages, but page {row['page']} is stated"]
    return []


def normal_space(text: str) -> str:
    return " ".join(text.split())


def normal_text(text: str) -> str:
    """Letters and digits only, so that punctuation and case do not hide a duplicate."""
    return re.sub(r"\W+", "", text).casefold()


def duplicates(rows: Iterable[Row], field: str) -> list[str]:
    seen: dict[str, str] = {}
    defects = []
    for row in rows:
        key = normal_text(str(row.get(field, "")))
        if key in seen or not key:
            defects.append(f"{row.get('id')}: {field} repeats {seen.get(key, 'nothing: it is empty')}")
        seen.setdefault(key, str(row.get("id")))
    identifiers = Counter(row.get("id") for row in rows)
    return defects + [
        f"id {identifier!r} is used {n} times" for identifier, n in identifiers.items() if n > 1
    ]


def check_splits(rows: Iterable[Row], what: str) -> list[str]:
    found = Counter(row.get("split") for row in rows)
    defects = [f"{what}: split {split!r} is empty" for split in SPLITS if not found[split]]
    return defects + [f"{what}: unknown split {split!r}" for split in found if split not in SPLITS]


def leaked_quotes(rows: Iterable[Row]) -> list[str]:
    """The same passage asked about in two splits would let training see a held-out answer."""
    places: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.get("quote"):
            key = (str(row["source"]), normal_text(row["quote"]))
            places.setdefault(key, set()).add(str(row.get("split")))
    return [
        f"a quote of {source} is in the splits {', '.join(sorted(splits))}: {quote[:40]!r}"
        for (source, quote), splits in places.items()
        if len(splits) > 1
    ]


def check_headlines(rows: Sequence[Row]) -> list[str]:
    """Every defect of the labelled headlines."""
    defects = [*duplicates(rows, "text"), *check_splits(rows, "headlines")]
    for row in rows:
        label, language = row.get("label"), row.get("language")
        if label not in LABELS:
            defects.append(f"{row.get('id')}: unknown label {label!r}; choose one of {sorted(LABELS)}")
        elif language == "zh" and row.get("label_zh") != LABELS[label]:
            defects.append(f"{row.get('id')}: label_zh {row.get('label_zh')!r} is not {LABELS[label]}")
    for language in ("en", "zh"):
        found = Counter(row.get("label") for row in rows if row.get("language") == language)
        sizes = [found[label] for label in LABELS]
        if not min(sizes) or max(sizes) - min(sizes) > LARGEST_IMBALANCE * max(sizes):
            defects.append(f"headlines in {language} are not balanced: {dict(found)}")
    return defects


def as_table(checked: Sequence[Checked]) -> str:
    """One line per count, one column per set."""
    names = list(dict.fromkeys(name for one in checked for name in one.counts))
    lines = [f"{'':18}" + "".join(f"{one.name:>12}" for one in checked)]
    for name in names:
        lines.append(f"{name:18}" + "".join(f"{one.counts.get(name, '-'):>12}" for one in checked))
    return "\n".join([*lines, f"{'defects':18}" + "".join(f"{len(one.defects):>12}" for one in checked)])


def main(names: list[str]) -> int:
    folders = [EXAMPLES / name if (EXAMPLES / name).is_dir() else Path(name) for name in names]
    try:
        checked = [check_set(folder) for folder in folders or [EXAMPLES / "finance", EXAMPLES / "medical"]]
    except (OSError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    print(as_table(checked))
    for one in checked:
        for defect in one.defects:
            print(f"{one.name}: {defect}")
    return 1 if any(one.defects for one in checked) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
