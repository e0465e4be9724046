"""Folders to index: files of several kinds by formula, and search sets written out as a file for each passage."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from beir import Judged, read_judged, read_rows

_SUBJECTS = (
    "The committee", "A visitor", "Our branch in the harbour", "The supplier", "Each department", "The auditor",
    "A new member", "The night shift", "The repair crew", "A retired engineer", "The town library",
)  # fmt: skip
_VERBS = (
    "approves", "returns", "inspects", "postpones", "describes", "replaces", "measures", "orders", "archives",
)  # fmt: skip
_OBJECTS = (
    "the monthly statement", "a damaged parcel", "the water meter", "two spare keys", "the travel request",
    "an old contract", "the heating plan", "a list of tools", "the emergency exit", "the second invoice",
    "a set of photographs", "the garden fence",
)  # fmt: skip
_ENDS = (
    "before the end of the week", "after a call from the office", "without a written reason", "for a fee of {n} euros",
    "within {n} days", "together with form {n}", "in building {n}", "when the temperature falls below {n} degrees",
)  # fmt: skip
_CHINESE = (
    ("委员会", "访客", "供应商", "各部门", "审计员", "新会员", "维修队", "图书馆"),
    ("批准了", "退回了", "检查了", "推迟了", "更换了", "归档了", "比较了", "转交了"),
    ("月度报表", "破损的包裹", "水表", "备用钥匙", "差旅申请", "旧合同", "供暖计划", "第二张发票"),
    ("，期限为{n}天。", "，费用为{n}元。", "，地点在{n}号楼。", "，须附表格{n}。"),
)
_KINDS = ("txt", "txt", "txt", "md", "md", "html", "html", "pdf", "zh", "zh")  # shares of ten


def write_sample(folder: Path, files: int) -> None:
    """`files` files, one in twelve a copy of another, in subfolders."""
    rng = random.Random(5)
    folder.mkdir(parents=True)
    written: list[Path] = []
    for number in range(files):
        place = folder / f"part{number % 7}"
        place.mkdir(exist_ok=True)
        if written and number % 12 == 11:
            original = rng.choice(written)
            path = place / f"copy{number:04d}{original.suffix}"
            path.write_bytes(original.read_bytes())
        else:
            path = _write_one(place, number, _KINDS[number % len(_KINDS)], rng)
        written.append(path)


def write_set(source: Path, folder: Path, limit: int | None) -> tuple[dict[str, str], list[str]]:
    """A text file for each passage; returns the file of each passage's id and the ids that were written.

    With a limit, the passages that the test queries look for come first.
    """
    gold = {name for found in read_judged(source / "qrels" / "test.tsv").values() for name in found}
    rows = sorted(read_rows(source, "corpus"), key=lambda row: row["_id"] not in gold)[:limit]
    folder.mkdir(parents=True)
    names = {}
    for number, row in enumerate(rows):
        name = f"{number:05d}.txt"
        (folder / name).write_text(f"{row.get('title') or ''}\n{row['text']}".strip(), encoding="utf-8")
        names[row["_id"]] = name
    return names, list(names)


def read_questions(source: Path, names: dict[str, str], limit: int) -> tuple[dict[str, str], Judged]:
    """Test queries whose passages were all written, and for each its files with their relevance."""
    judged = {
        query: {names[key]: value for key, value in found.items()}
        for query, found in read_judged(source / "qrels" / "test.tsv").items()
        if set(found) <= set(names)
    }
    asked = [row for row in read_rows(source, "queries") if row["_id"] in judged][:limit]
    return {row["_id"]: row["text"] for row in asked}, {row["_id"]: judged[row["_id"]] for row in asked}


def change_some(folder: Path, share: float, mark: str) -> list[str]:
    """Append a sentence to every so many text files; returns which were changed."""
    paths = sorted(folder.rglob("*.txt"))
    count = max(round(share * sum(1 for path in folder.rglob("*") if path.is_file())), 1)
    chosen = paths[:: max(len(paths) // count, 1)][:count]
    for path in chosen:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\nThe note of {mark} was added later.")
    return [path.relative_to(folder).as_posix() for path in chosen]


def _write_one(place: Path, number: int, kind: str, rng: random.Random) -> Path:
    paragraphs = [_paragraph(rng, chinese=kind == "zh") for _ in range(rng.randint(4, 24))]
    title = f"Report {number}"
    path = place / f"file{number:04d}.{'txt' if kind == 'zh' else kind}"
    if kind == "pdf":
        _write_pdf(path, title, paragraphs)
    elif kind == "html":
        body = "".join(f"<p>{text}</p>" for text in paragraphs)
        path.write_text(
            f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"
        )
    elif kind == "md":
        parts = [f"## Part {index}\n\n{text}" for index, text in enumerate(paragraphs, start=1)]
        path.write_text("\n\n".join([f"# {title}", *parts]), encoding="utf-8")
    else:
        path.write_text("\n\n".join(paragraphs), encoding="utf-8")
    return path


def _write_pdf(path: Path, title: str, paragraphs: Sequence[str]) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica", size=11)
    for start in range(0, len(paragraphs), 8):
        pdf.add_page()
        pdf.multi_cell(0, 6, "\n\n".join([title, *paragraphs[start : start + 8]]))
    pdf.output(str(path))


def _paragraph(rng: random.Random, *, chinese: bool) -> str:
    return ("" if chinese else " ").join(
        _chinese(rng) if chinese else _english(rng) for _ in range(rng.randint(3, 7))
    )


def _english(rng: random.Random) -> str:
    parts = [rng.choice(part) for part in (_SUBJECTS, _VERBS, _OBJECTS, _ENDS)]
    return f"{' '.join(parts)}.".format(n=rng.randint(2, 990))


def _chinese(rng: random.Random) -> str:
    return "".join(rng.choice(part) for part in _CHINESE).format(n=rng.randint(2, 990))
