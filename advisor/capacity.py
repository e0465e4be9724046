"""What a large corpus takes: memory, disk and hours to embed for ten thousand to a billion chunks, and on which index.

Indexes and their sizes follow FAISS's guidelines, stores and nodes Milvus's documentation (facts/capacity.toml). How
fast a query is answered is not promised: it depends on how many lists or links are visited.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from .catalog import find_model, read_facts
from .duration import embedding_time
from .phrase import Phrase, say
from .setups import Card, ModelSpec, TimeEstimate

IndexKind = Literal["flat", "hnsw", "ivf_pq", "ivf_pq_sharded"]
GIB = 2.0**30
ORDERS = tuple(10**power for power in range(4, 10))
_MOST_CHUNKS, _MOST_DIM = 10**12, 65_536
_MACHINE_GIB = 64.0  # memory of the one machine that is planned for where none is stated


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPlan:
    """For one corpus. RAM and disk are those of all machines together; `nodes` are the query nodes of a cluster."""

    chunks: int
    dim: int
    chunk_tokens: int
    kind: IndexKind
    factory: str  # for faiss.index_factory
    store: str
    vectors_gib: float  # as they come from the embedder, 4 bytes a dimension
    index_gib: float
    keyword_gib: float  # BM25, in memory
    ram_gib: float
    disk_gib: float
    nodes: int
    node_gib: int  # memory of one query node; 0 without a cluster
    embedder: str
    embed_cpu: TimeEstimate
    embed_card: TimeEstimate | None
    cards_for_a_day: tuple[int, int, int] | None  # fast, usual and slow stack of software
    caveats: tuple[str, ...]
    sources: tuple[str, ...]


def plan_capacity(
    chunks: int,
    dim: int = 384,
    *,
    chunk_tokens: int = 180,
    ram_gib: float = _MACHINE_GIB,
    embedder: ModelSpec | None = None,
    card: Card | None = None,
    cpu_cores: int = 8,
) -> CapacityPlan:
    """Memory, disk, hours and index for `chunks` vectors of `dim` numbers.

    `ram_gib` is the memory of one machine; what does not fit it is compressed. `embedder` None = MiniLM. Raises
    ValueError for counts that no corpus has.
    """
    _check(chunks, dim, chunk_tokens, ram_gib)
    kind = index_kind(chunks, dim, ram_gib=ram_gib)
    index, keyword = index_bytes(chunks, dim, kind), keyword_bytes(chunks, chunk_tokens)
    cluster = kind == "ivf_pq_sharded"
    memory = index * fact("milvus memory") if cluster else index
    nodes, node_gib = query_nodes(memory / GIB) if cluster else (0, 0)
    spec = embedder or find_model("minilm")
    tokens = chunks * chunk_tokens
    on_card = embedding_time(tokens, spec, card=card, chunk_tokens=chunk_tokens) if card else None
    return CapacityPlan(
        chunks=chunks,
        dim=dim,
        chunk_tokens=chunk_tokens,
        kind=kind,
        factory=factory(chunks, dim, kind),
        store=_store(kind),
        vectors_gib=4 * dim * chunks / GIB,
        index_gib=index / GIB,
        keyword_gib=keyword / GIB,
        ram_gib=(memory + keyword) / GIB,
        disk_gib=disk_bytes(chunks, dim, chunk_tokens, kind) / GIB,
        nodes=nodes,
        node_gib=node_gib,
        embedder=spec.name,
        embed_cpu=embedding_time(tokens, spec, cpu_cores=cpu_cores, chunk_tokens=chunk_tokens),
        embed_card=on_card,
        cards_for_a_day=_cards_for_a_day(on_card),
        caveats=_caveats(kind, chunks),
        sources=tuple(dict.fromkeys(str(row["source"]) for row in read_facts("capacity"))),
    )


def capacity_table(
    dim: int = 384,
    *,
    chunks: Sequence[int] = ORDERS,
    chunk_tokens: int = 180,
    ram_gib: float = _MACHINE_GIB,
    embedder: ModelSpec | None = None,
    card: Card | None = None,
    cpu_cores: int = 8,
) -> tuple[CapacityPlan, ...]:
    """One plan for each size, ten thousand to a billion chunks."""
    return tuple(
        plan_capacity(
            count,
            dim,
            chunk_tokens=chunk_tokens,
            ram_gib=ram_gib,
            embedder=embedder,
            card=card,
            cpu_cores=cpu_cores,
        )
        for count in chunks
    )


def index_kind(chunks: int, dim: int, *, ram_gib: float = _MACHINE_GIB) -> IndexKind:
    """Exact while a scan is short, a graph while the vectors fit one machine, then compressed, then on a cluster."""
    if 4 * dim * chunks <= fact("flat scan"):
        return "flat"
    if chunks > fact("standalone vectors"):
        return "ivf_pq_sharded"
    return "hnsw" if index_bytes(chunks, dim, "hnsw") <= ram_gib * GIB else "ivf_pq"


def index_bytes(chunks: int, dim: int, kind: IndexKind) -> float:
    """Bytes of the index in memory, by FAISS's formulas."""
    if kind == "flat":
        return 4.0 * dim * chunks
    if kind == "hnsw":
        return chunks * _graph_bytes(dim)
    code, lists = pq_bytes(dim), inverted_lists(chunks)
    reduced = 4 * code  # OPQ rotates to four numbers per byte of code
    coarse = lists * (_graph_bytes(reduced) if lists >= fact("lists to 10M") else 4.0 * reduced)
    codebooks = 256 * reduced * 4 + dim * reduced * 4
    return chunks * (code + fact("list id")) + lists * fact("list") + coarse + codebooks


def factory(chunks: int, dim: int, kind: IndexKind) -> str:
    """The string from which faiss.index_factory makes the index."""
    links = round(fact("hnsw links"))
    if kind == "flat":
        return "Flat"
    if kind == "hnsw":
        return f"HNSW{links}"
    code, lists = pq_bytes(dim), inverted_lists(chunks)
    coarse = f"IVF{lists}_HNSW{links}" if lists >= fact("lists to 10M") else f"IVF{lists}"
    return f"OPQ{code}_{4 * code},{coarse},PQ{code}"


def pq_bytes(dim: int) -> int:
    """Bytes of a code: a quarter of the dimensions, no more than what FAISS advises."""
    return max(1, min(round(fact("pq bytes")), dim // 4))


def inverted_lists(chunks: int) -> int:
    """Lists of an inverted file, by the number of vectors."""
    if chunks < 10**6:
        return max(1, round(fact("lists below 1M") * math.sqrt(chunks)))
    key = "lists to 10M" if chunks <= 10**7 else "lists to 100M" if chunks <= 10**8 else "lists to 1B"
    return round(fact(key))


def keyword_bytes(chunks: int, chunk_tokens: int) -> float:
    """A BM25 index: each word of each chunk with its places, and the vocabulary, which grows as a root."""
    postings = chunks * chunk_tokens * fact("terms per token") * fact("posting")
    words = fact("heaps factor") * math.pow(chunks * chunk_tokens, fact("heaps power"))
    return postings + words * fact("word")


def disk_bytes(chunks: int, dim: int, chunk_tokens: int, kind: IndexKind) -> float:
    """Text, vectors as they came (the index is made anew from them) and both indexes; a cluster keeps copies."""
    text = chunks * chunk_tokens * fact("text per token")
    index = index_bytes(chunks, dim, kind)
    if kind == "ivf_pq_sharded":
        return (
            fact("milvus storage") * (4.0 * dim * chunks + index) + text + keyword_bytes(chunks, chunk_tokens)
        )
    catalogue = chunks * (4 * dim + fact("catalogue row")) + text
    passages = text  # kept a second time, for readers
    return catalogue + passages + index + keyword_bytes(chunks, chunk_tokens)


def query_nodes(memory_gib: float) -> tuple[int, int]:
    """Number and memory of Milvus's query nodes, as its sizing tool groups them."""
    if memory_gib < 16:
        return 1, 4 * math.ceil(memory_gib / 4)
    size = 16 if memory_gib < 96 else 32 if memory_gib < 384 else 64 if memory_gib < 4000 else 128
    return math.ceil(memory_gib / size), size


@cache
def fact(key: str) -> float:
    """A figure of facts/capacity.toml."""
    for row in read_facts("capacity"):
        if row["key"] == key:
            return float(row["value"])
    raise KeyError(f"facts/capacity.toml has no row {key!r}")


def _graph_bytes(dim: int) -> float:
    """A vector in an HNSW graph, on the lowest level with twice the links, 4 bytes each."""
    return 4.0 * dim + 8.0 * fact("hnsw links") + fact("hnsw rest")


def _store(kind: IndexKind) -> str:
    stores = {
        "flat": say("FAISS, in process (the store of this project)"),
        "hnsw": say("FAISS, in process, or Milvus Standalone"),
        "ivf_pq": say("Milvus Standalone, or FAISS, on one machine"),
        "ivf_pq_sharded": say("Milvus Distributed, on a cluster"),
    }
    return stores[kind]


def _cards_for_a_day(work: TimeEstimate | None) -> tuple[int, int, int] | None:
    if work is None:
        return None
    fast, usual, slow = (
        max(1, math.ceil(hours / 24)) for hours in (work.low_hours, work.hours, work.high_hours)
    )
    return fast, usual, slow


def _caveats(kind: IndexKind, chunks: int) -> tuple[Phrase, ...]:
    said: list[Phrase] = []
    if kind == "flat":
        said.append(say("exact: every vector is compared, none is missed"))
    if kind == "hnsw":
        said.append(
            say(
                "approximate: efSearch trades missed neighbours for speed; vectors cannot be removed in place"
            )
        )
    if kind.startswith("ivf_pq"):
        said += [
            say(
                "approximate and compressed: of a billion image vectors the true nearest one came first in {share:.0%} "
                "of queries with 64-byte codes [FAISS wiki, 'Indexing 1G vectors']; compare again with full vectors",
                share=fact("recall pq64"),
            ),
            say(
                "{lists:,} lists are trained on {few:,} to {many:,} vectors, which is slow without a GPU",
                lists=inverted_lists(chunks),
                few=30 * inverted_lists(chunks),
                many=min(chunks, 256 * inverted_lists(chunks)),
            ),
        ]
    if chunks > fact("standalone vectors"):
        said.append(say("a keyword index of this size is served by a search engine, not from one process"))
    said.append(say("how fast a query is answered is not promised"))
    return tuple(said)


def _check(chunks: int, dim: int, chunk_tokens: int, ram_gib: float) -> None:
    if not 1 <= chunks <= _MOST_CHUNKS:
        raise ValueError(f"{chunks:g} chunks are no corpus; give 1 to 1e12, such as 1e7.")
    if not 1 <= dim <= _MOST_DIM:
        raise ValueError(
            f"{dim:,} dimensions are no embedding; give 1 to {_MOST_DIM:,}, such as 384 or 1024."
        )
    if not 1 <= chunk_tokens <= 100_000:
        raise ValueError(f"Chunks of {chunk_tokens:,} tokens are none; give 1 to 100,000, such as 180.")
    if not (math.isfinite(ram_gib) and ram_gib > 0):
        raise ValueError(f"{ram_gib:g} GiB of memory is no machine; give a number above 0, such as 64.")
