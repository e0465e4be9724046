"""Chinese on MiniLM: its vocabulary extended, embedder and reader trained on Chinese, each beside what words alone do.

Everything is made in build/chinese, and kept: a part that is there is not made again. A dictionary in CC-CEDICT's
format lets new rows start from what words mean; without one only XQuAD's 849 translated questions say so.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from chinese_rows import dev_questions, dictionary_words, reading_rows, search_rows, texts, translations
from results import RESULTS, machine, tell
from search_sets import SETS, gold_of, lines_of, ndcg, need_sets, text_of

from finetune import TrainConfig, load_span_reader, read_card, train
from finetune.merge import merge_adapter
from finetune.span_scores import exact, f1
from finetune.vocabulary import Vocabulary, extend_vocabulary
from rag import Document, RagConfig, build_index
from rag.generation import load_view
from rag.manifest import read_manifest
from rag.reader import AlignedReader
from rag.schema import Chunk, Hit
from rag.sentences import sentence_spans

TITLE = "Chinese: a vocabulary extended and trained"
BUILD = Path(__file__).parents[1] / "build" / "chinese"
SEARCHED = ("cmrc_zh", "medical_zh", "finance_zh", "xquad_zh_en")
DEPTH = 40
ENGLISH = 2000  # rows of squad_en that the reader learns from too
SEED = 42

Answer = Callable[[str, str], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dictionary", type=Path, help="a file in CC-CEDICT's format")
    parser.add_argument("--only", choices=("lexical", "search", "reading"), help="one part of the table")
    parser.add_argument("--queries", type=int, default=10_000, help="test queries of each set at most")
    parser.add_argument("--questions", type=int, default=10_000, help="of CMRC dev at most")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    need_sets()
    lines = [f"## {TITLE}", ""]
    if chosen.only != "lexical":
        lines += _made(chosen.dictionary)
    if chosen.only != "reading":
        lines += _searched(chosen)
    if chosen.only != "search":
        lines += _read(chosen)
    text = "\n".join([*lines, machine()])
    tell(TITLE, text, chosen.write)


def _made(dictionary: Path | None) -> list[str]:
    """The base with its new rows."""
    pairs = translations(dictionary)
    found = _once("base", lambda out: extend_vocabulary("minilm", texts(), out, translations=pairs))
    if not isinstance(found, Vocabulary):
        return []
    return [
        f"{found.added} characters added ({found.mib:.1f} MiB), started from {len(pairs)} translations: "
        f"{found.unknown_before:.1%} of the tokens unknown before, {found.unknown_after:.2%} now.",
        "",
    ]


def _once(name: str, make: Callable[[str], object]) -> object:
    out = BUILD / name
    out.parent.mkdir(parents=True, exist_ok=True)
    return None if out.is_dir() else make(str(out))


def embedder(dictionary: Path | None) -> Path:
    """LoRA and the new rows by contrast, merged: a folder that `--embedder` takes."""
    words = list(dictionary_words(dictionary)) if dictionary else []
    config = TrainConfig(
        model=str(BUILD / "base"),
        out=str(BUILD / "embedder"),
        objective="embed",
        epochs=1,
        max_length=128,
        batch_size=64,
        allow=("duplicates",),
        seed=SEED,
    )
    _once("embedder", lambda out: train(search_rows(words, SEED), config))
    print(f"The embedder learned {read_card(BUILD / 'embedder').rows} pairs.", flush=True)
    _once("embedder-merged", lambda out: merge_adapter(BUILD / "embedder", out))
    return BUILD / "embedder-merged"


def reader() -> Path:
    config = TrainConfig(
        model=str(BUILD / "base"),
        out=str(BUILD / "reader"),
        objective="span_qa",
        epochs=2,
        batch_size=16,
        seed=SEED,
    )
    _once("reader", lambda out: train(reading_rows(SEED, ENGLISH), config))
    print(f"The reader learned {read_card(BUILD / 'reader').rows} questions.", flush=True)
    return BUILD / "reader"


def _searched(chosen: argparse.Namespace) -> list[str]:
    names = ["minilm"]
    if chosen.only != "lexical":
        names += [str(BUILD / "base"), str(embedder(chosen.dictionary))]
    lines = [
        "nDCG@10 on test queries: the dense leg alone, and the search with it. MiniLM as it comes reads no Chinese,",
        "so that its search is by words.",
        "",
        "| set | queries | BM25 | "
        + " | ".join(f"{Path(name).name}: dense | search" for name in names)
        + " |",
        "|---|---:|---:|" + "---:|---:|" * len(names),
    ]
    for name in SEARCHED:
        found = [scores(name, one, chosen.queries) for one in names]
        cells = [f"{part[column]:.3f}" for part in found for column in ("dense", "search")]
        lines.append(f"| {name} | {found[0]['queries']:.0f} | {found[0]['BM25']:.3f} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def scores(name: str, embedder_name: str, queries: int) -> dict[str, float]:
    """Means over a set's test queries, by an index made as `advisor index --embedder` makes it."""
    rows, gold = lines_of(SETS / name / "corpus.jsonl.gz"), gold_of(SETS / name)
    documents = [Document(text=text_of(row), source=row["_id"]) for row in rows]
    asked = [row for row in lines_of(SETS / name / "queries.jsonl.gz") if row["_id"] in gold][:queries]
    found: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        index = build_index(documents, folder, RagConfig(embedder=embedder_name))
        manifest = read_manifest(folder)
        assert manifest is not None
        view = load_view(folder, manifest)

        def sources(places: Sequence[int]) -> list[str]:
            of = view.chunks
            return list(dict.fromkeys(of.documents[of.document_of[at]].source for at in places))

        for row in asked:
            text, right = row["text"], gold[row["_id"]]
            near = view.store.search(index.embedder.embed([text])[0], DEPTH)
            said = view.keyword.top(text, DEPTH)
            found["dense"].append(ndcg(sources([at for at, _ in near]), right))
            found["BM25"].append(ndcg(sources([at for at, _ in said]), right))
            hits = index.search(text, k=DEPTH)
            found["search"].append(ndcg(list(dict.fromkeys(hit.chunk.source for hit in hits)), right))
    return {column: float(np.mean(values)) for column, values in found.items()} | {"queries": len(asked)}


def _read(chosen: argparse.Namespace) -> list[str]:
    ways: dict[str, Answer] = {"best sentence, by words": by_words, "first sentence": first_sentence}
    if chosen.only != "lexical":
        found = load_span_reader(str(BUILD / "base"), reader())

        def trained(question: str, passage: str) -> str:
            spans = found.read(question, [passage], threshold=-1e9)
            return spans[0].text if spans else ""

        ways["reader, trained"] = trained
    asked = dev_questions(chosen.questions)
    lines = [
        f"Reading CMRC dev, {len(asked)} questions, each with its passage; by characters.",
        "",
        "| way | exact match | F1 |",
        "|---|---:|---:|",
    ]
    for way, answer in ways.items():
        said = [(answer(question, passage), gold) for question, passage, gold in asked]
        em = np.mean([max(exact(text, one) for one in gold) for text, gold in said])
        score = np.mean([max(f1(text, one) for one in gold) for text, gold in said])
        lines.append(f"| {way} | {100 * em:.1f} | {100 * score:.1f} |")
    return [*lines, ""]


def by_words(question: str, passage: str) -> str:
    """The sentence that the extractive reader quotes first where the embedder cannot read."""
    hit = Hit(chunk=Chunk(text=passage, source="passage", start=0, end=len(passage)), score=1.0, rank=1)
    passages = AlignedReader().read(question, [hit]).passages
    return passages[0].text if passages else ""


def first_sentence(question: str, passage: str) -> str:
    start, end = sentence_spans(passage)[0]
    return passage[start:end]


if __name__ == "__main__":
    main()
