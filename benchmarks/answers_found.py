"""The share of answers that stand in the documents: sets whose answers do, sets whose answers do not, and controls."""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from results import RESULTS, machine, tell

from advisor import profile_data
from advisor.answer_support import Asked, answers_in_documents
from advisor.profile_words import BEHAVIOUR_UNTIL, KNOWLEDGE_FROM

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
TITLE = "Data profile: answers that stand in the documents"

Rows = Sequence[Mapping[str, Any]]
Documents = Mapping[str, str]


class Found(NamedTuple):
    name: str
    expected: str
    share: float | None
    checked: int
    seconds: float


def lines_of(name: str) -> list[dict[str, Any]]:
    with gzip.open(SHARED / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def documents_of(name: str, text: str = "text", key: str = "doc_id") -> dict[str, str]:
    return {str(row[key]): row[text] for row in lines_of(name)}


def asked(
    rows: Rows, *, source: str = "", answer: Callable[[Mapping[str, Any]], str] | None = None
) -> list[Asked]:
    get = answer or (lambda row: str(row.get("answer") or ""))
    question = [str(row.get("question") or row.get("instruction") or "") for row in rows]
    return [
        Asked(text, get(row), "", str(row[source]) if source else "")
        for text, row in zip(question, rows, strict=True)
        if get(row)
    ]


def first_answer(row: Mapping[str, Any]) -> str:
    return row["answers"][0]["text"] if row.get("answers") else ""


def timed(name: str, expected: str, rows: Sequence[Asked], documents: Documents) -> Found:
    start = time.perf_counter()
    share, checked = answers_in_documents(rows, documents)
    return Found(name, expected, share, checked, time.perf_counter() - start)


def examples() -> Iterator[Found]:
    """The whole profile, as `advisor recommend --data --examples` makes it, and again without the rows' quotes."""
    for name in ("finance", "medical"):
        folder = ROOT / "examples" / name
        rows = [json.loads(line) for line in (folder / "qa.jsonl").read_text("utf-8").splitlines()]
        bare = [{key: value for key, value in row.items() if key != "quote"} for row in rows]
        for said, chosen in (("with quotes", rows), ("without quotes", bare)):
            with tempfile.TemporaryDirectory() as place:
                file = Path(place) / "qa.jsonl"
                file.write_text("\n".join(map(json.dumps, chosen)), "utf-8")
                start = time.perf_counter()
                seen = profile_data(folder / "docs", file).examples
                seconds = time.perf_counter() - start
            assert seen is not None
            yield Found(
                f"example {name}, {said}", "stand", seen.answers_in_documents, seen.answers_checked, seconds
            )


def shared_sets() -> Iterator[Found]:
    """Both with the source that each row names and without it."""
    medquad = documents_of("medical_en/medquad_documents.jsonl.gz")
    medquad = dict(sorted(medquad.items())[:600])
    covid = documents_of("medical_en/covidqa_documents.jsonl.gz")
    tables = documents_of("finance_en/tatqa_documents.jsonl.gz")
    texts = documents_of("finance_zh/cfbenchmark_documents.jsonl.gz")
    squad, cmrc = lines_of("squad_en/dev.jsonl.gz"), lines_of("cmrc_zh/dev.jsonl.gz")
    contexts = {name: {row["context_id"]: row["context"] for row in rows} for name, rows in
                (("squad_en", squad), ("cmrc_zh", cmrc))}  # fmt: skip
    qa = [row for row in lines_of("medical_en/medquad_qa_train.jsonl.gz") if row["doc_id"] in medquad]
    spans = [row for row in lines_of("finance_en/tatqa_qa_train.jsonl.gz") if row["answer_type"] == "span"]
    sums = [
        row for row in lines_of("finance_en/tatqa_qa_train.jsonl.gz") if row["answer_type"] == "arithmetic"
    ]
    tasks = lines_of("finance_zh/cfbenchmark_tasks_train.jsonl.gz")
    chat = lines_of("medical_zh/qa_dev.jsonl.gz")
    covid_qa = lines_of("medical_en/covidqa_qa_train.jsonl.gz")
    for name, rows, documents, key, answer in (
        ("medquad_en", qa, medquad, "doc_id", None),
        ("covidqa_en", covid_qa, covid, "doc_id", None),
        ("tatqa_en spans", spans, tables, "doc_id", None),
        ("squad_en", squad, contexts["squad_en"], "context_id", first_answer),
        ("cmrc_zh", cmrc, contexts["cmrc_zh"], "context_id", first_answer),
        ("cfbenchmark_zh companies", of_task(tasks, "company"), texts, "doc_id", None),
    ):
        yield timed(f"{name}, source named", "stand", asked(rows, source=key, answer=answer), documents)
        yield timed(f"{name}, no source", "stand", asked(rows, answer=answer), documents)
    yield timed("tatqa_en, computed", "do not", asked(sums, source="doc_id"), tables)
    pubmed = lines_of("medical_en/pubmedqa_qa_train.jsonl.gz")
    abstracts = documents_of("medical_en/pubmedqa_documents.jsonl.gz")
    yield timed("pubmedqa_en conclusions", "do not", asked(pubmed, source="doc_id"), abstracts)
    for task in ("summary", "suggestion", "risk", "sentiment"):
        rows = asked(of_task(tasks, task), source="doc_id")
        yield timed(f"cfbenchmark_zh {task}", "do not", rows, texts)
    yield timed("control: squad_en in medquad_en", "do not", asked(squad, answer=first_answer), medquad)
    yield timed("control: covidqa_en in medquad_en", "do not", asked(covid_qa), medquad)
    yield timed("control: tatqa_en in squad_en", "do not", asked(spans), contexts["squad_en"])
    yield timed("control: cmrc_zh in cfbenchmark_zh", "do not", asked(cmrc, answer=first_answer), texts)
    yield timed("control: medical_zh in cmrc_zh", "do not", asked(chat), contexts["cmrc_zh"])


def of_task(rows: Rows, task: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["task"] == task]


def verdict(found: Found) -> str:
    if found.share is None:
        return "nothing"
    if found.share >= KNOWLEDGE_FROM:
        return "knowledge"
    return "behaviour" if found.share <= BEHAVIOUR_UNTIL else "open"


def row(found: Found) -> str:
    share = "" if found.share is None else f"{found.share:.2f}"
    cells = (found.name, found.expected, share, str(found.checked), verdict(found), f"{found.seconds:.2f}")
    return f"| {' | '.join(cells)} |"


def section(results: Sequence[Found]) -> str:
    expected = {"stand": "knowledge", "do not": "behaviour"}
    right = sum(verdict(found) == expected[found.expected] for found in results)
    lines = [
        f"## {TITLE}",
        "",
        f"Share beyond chance; from {KNOWLEDGE_FROM} on it speaks for a gap in knowledge, down to {BEHAVIOUR_UNTIL}",
        "for one in behaviour. Checked: rows of which an answer could be told from chance, at most 200. Controls look",
        f"for the answers of one set in the documents of another. As expected: {right} of {len(results)}.",
        "",
        "| answers | in the documents they | share | checked | speaks for | s |",
        "|---|---|---:|---:|---|---:|",
        *map(row, results),
        "",
        machine(),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    text = section([*examples(), *(shared_sets() if SHARED.is_dir() else ())])
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
