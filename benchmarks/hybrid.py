"""Does a tuned embedder, a tuned reader or both beat retrieval alone? By domain, over seeds, on test questions.

Each adapter is trained by `domain_adapters.py`; what was asked is kept under build/, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from domain_sets import DOMAIN_SETS, Asked, DomainSet, drawn, index_of
from hybrid_table import TITLE, Kept, section
from recipes import FOLDER, MEAN_READER, folder_of
from results import RESULTS, machine, tell
from search_sets import ndcg
from whole_answers import answered

from rag import Index
from rag.embed import Embedder, load_embedder
from rag.reader import AlignedReader
from rag.span_reader import SpanReader, open_span_reader

COUNTS = {"squad_en": 250, "tatqa_en": 250, "covidqa_en": 97, "pubmedqa_en": 150, "medquad_en": 150}
READERS = {"finance": "reader-finance", "medical": "reader-medical"}
TIMED = 40  # questions of a set that are timed
WAYS = ("base / base", "tuned embedder", "tuned reader", "both")


def questions_of(chosen: DomainSet) -> list[Asked]:
    """Of the test split; of TAT-QA those whose answer is a span, for none of these readers calculates."""
    asked = [one for one in chosen.questions["test"] if one.kind in ("", "span")]
    return drawn(asked, COUNTS[chosen.name])


def embedder_of(way: str, seed: int) -> Embedder:
    tuned = way in ("tuned embedder", "both")
    return load_embedder(f"minilm+{folder_of('embedder', seed)}" if tuned else "minilm")


def reader_of(way: str, domain: str, seed: int) -> SpanReader | None:
    if way not in ("tuned reader", "both"):
        return None
    # The general reader takes most of an hour to train: there is one, the mean that is shipped.
    return open_span_reader(MEAN_READER if domain == "general" else folder_of(READERS[domain], seed))


def opened(chosen: DomainSet, way: str, seed: int) -> tuple[Index, AlignedReader]:
    """Ready to be asked: what is loaded once is loaded."""
    index = index_of(chosen, FOLDER, embedder_of(way, seed))
    reader = AlignedReader(index.rarity, index.embedder, spans=reader_of(way, chosen.domain, seed))
    answered(chosen, index, questions_of(chosen)[0], reader)
    return index, reader


def ask_all(name: str, way: str, seed: int) -> list[Kept]:
    chosen = DOMAIN_SETS[name]()
    index, reader = opened(chosen, way, seed)
    return [
        {**asdict(answered(chosen, index, asked, reader)), "ndcg": found_at(chosen, index, asked)}
        for asked in questions_of(chosen)
    ]


def milliseconds(name: str, ways: Sequence[str]) -> dict[str, float]:
    """The median of search and reading by way, each question asked of all ways in turn."""
    chosen = DOMAIN_SETS[name]()
    ready = {way: opened(chosen, way, 0) for way in ways}
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for asked in questions_of(chosen)[:TIMED]:
        for way, (index, reader) in ready.items():
            spent[way].append(answered(chosen, index, asked, reader).ms)
    return {way: median(values) for way, values in spent.items()}


def found_at(chosen: DomainSet, index: Index, asked: Asked) -> float | None:
    """nDCG@10 of the passages that hold the answer, or of all of its document where its place is not known."""
    chunks = index.chunks(asked.source)
    parts = asked.parts or ((0, max(chunk.end for chunk in chunks)),)
    gold = {
        f"{chunk.source} {chunk.start}"
        for chunk in chunks
        if any(chunk.start < end and chunk.end > start for start, end in parts)
    }
    if not asked.golds or not gold:
        return None
    where = {"source": asked.source} if chosen.scoped else None
    hits = index.search(asked.text, k=10, where=where)
    return ndcg([f"{hit.chunk.source} {hit.chunk.start}" for hit in hits], gold)


def kept(name: str, way: str, seed: int) -> list[Kept]:
    """The rows of one cell of the table, from before or asked now."""
    general = DOMAIN_SETS[name]().domain == "general"
    if way == WAYS[0] or (general and way == "tuned reader"):
        seed = 0  # nothing there is random
    place = FOLDER / "answers" / f"{name}-{way.replace(' ', '').replace('/', '-')}-seed{seed}.json"
    if not place.is_file():
        print(f"{place.stem} ...", flush=True)
        rows = ask_all(name, way, seed)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(rows), "utf-8")
    found: list[Kept] = json.loads(place.read_text("utf-8"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=DOMAIN_SETS, default=list(DOMAIN_SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="beside base / base")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    ways = [way for way in WAYS if way in (WAYS[0], *chosen.ways)]
    found = {
        (name, way): [kept(name, way, seed) for seed in chosen.seeds] for name in chosen.sets for way in ways
    }
    times = {(name, way): ms for name in chosen.sets for way, ms in milliseconds(name, ways).items()}
    text = section(found, times, {name: DOMAIN_SETS[name]().domain for name in chosen.sets}, machine())
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
