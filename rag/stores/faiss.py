"""FAISS in three kinds by size: every vector compared, a graph (HNSW), or cells of short codes (IVF-PQ).

The kinds that guess are asked for more than is wanted, and the stored vectors rank what they bring.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss as library
import numpy as np
from numpy.typing import NDArray

from rag.stores import Home, Positions, Vectors
from rag.stores.exact import ExactStore, checked

faiss: Any = library  # its own types lack what it adds when it is loaded

# python benchmarks/store_types.py, figures in benchmarks/RESULTS.md ("Vector store by size").
FLAT_BELOW = 50_000
HNSW_BELOW = 50_000  # HNSW is not chosen by itself: see the results
LINKS, BUILD_DEPTH, SEARCH_DEPTH = 32, 80, 128  # of a graph
CELLS_PER_ROOT = 4  # cells = 4 · √n, as the authors of FAISS advise
TRAINED_PER_CELL, ROUNDS = 40, 6
PROBES = 32  # cells that are looked into
RANKED_AGAIN = 10  # times what is wanted, and at least:
LEAST_RANKED_AGAIN = 400
COMPARED_ONE_BY_ONE = 20_000  # as few allowed vectors as these are quicker compared than sought
_GRAPH, _CELLS = "hnsw.faiss", "ivfpq.faiss"


class FaissStore:
    """Vectors where they lie, and an index that says which of them to compare; None compares all."""

    def __init__(self, vectors: Vectors, index: Any = None) -> None:
        self._vectors, self._index = vectors, index
        self._exact = ExactStore(vectors)

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        row = checked(query, self._vectors).reshape(1, -1)
        wanted = min(k, len(self._vectors) if allowed is None else len(allowed))
        if wanted < 1:
            return []
        if self._index is not None and (allowed is None or len(allowed) > COMPARED_ONE_BY_ONE):
            found = self._sought(row, wanted, allowed)
            if len(found) >= wanted:  # a filter may leave the cells that were looked into nearly empty
                return self._exact.search(row, wanted, found)
        if allowed is not None:
            return self._exact.search(row, k, allowed)
        scores, positions = faiss.knn(row, self._vectors, wanted, metric=faiss.METRIC_INNER_PRODUCT)
        return list(zip(positions[0].tolist(), scores[0].tolist(), strict=True))

    def vectors(self, positions: Positions) -> Vectors:
        return self._exact.vectors(positions)

    def __len__(self) -> int:
        return len(self._vectors)

    def _sought(self, row: Vectors, wanted: int, allowed: Positions | None) -> Positions:
        depth = min(max(RANKED_AGAIN * wanted, LEAST_RANKED_AGAIN), len(self._vectors))
        if isinstance(self._index, faiss.IndexHNSW):
            settings: Any = faiss.SearchParametersHNSW()
            settings.efSearch = max(SEARCH_DEPTH, depth)
        else:
            settings = faiss.SearchParametersIVF()
            share = 1.0 if allowed is None else len(allowed) / len(self._vectors)
            settings.nprobe = min(round(PROBES / share), self._index.nlist)  # a filter thins the cells out
        if allowed is not None:
            mask = np.zeros(len(self._vectors), dtype=bool)
            mask[allowed] = True
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)  # neither is kept alive by what refers to it
            settings.sel = selector
        positions: Positions = self._index.search(row, depth, params=settings)[1][0]
        return positions[positions >= 0]


def build(vectors: Vectors, home: Home) -> None:
    """Write the index that this many vectors need; none for few. Trained cells are taken over from an earlier one."""
    if len(vectors) < FLAT_BELOW:
        return
    if len(vectors) < HNSW_BELOW:
        name, index = _GRAPH, make_graph(vectors)
    else:
        name, index = _CELLS, make_cells(vectors, home.earlier and home.earlier / _CELLS, home.moved)
    with (home.folder / name).open("wb") as file:
        file.write(faiss.serialize_index(index).data)


def load(vectors: Vectors, home: Home) -> FaissStore:
    """A store over the vectors and the index beside them, if there is one. ValueError when it does not fit."""
    for name in (_GRAPH, _CELLS):
        path = home.folder / name
        if path.is_file():
            index = _read(path)
            if (index.d, index.ntotal) != (vectors.shape[1], len(vectors)):
                raise ValueError(
                    f"{path} holds {index.ntotal} vectors of {index.d} dimensions, "
                    f"not {len(vectors)} of {vectors.shape[1]}"
                )
            return FaissStore(vectors, index)
    return FaissStore(vectors)


def make_graph(vectors: Vectors) -> Any:
    """HNSW over codes of one byte a number."""
    index = faiss.IndexHNSWSQ(
        vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, LINKS, faiss.METRIC_INNER_PRODUCT
    )
    index.hnsw.efConstruction = BUILD_DEPTH
    index.train(_sample(vectors, 50_000))
    index.add(vectors)
    return index


def make_cells(vectors: Vectors, earlier: Path | None = None, moved: NDArray[np.int32] | None = None) -> Any:
    """IVF-PQ with codes of one byte for about eight numbers.

    `earlier` is an index whose training may be kept, and the codes of those vectors that `moved` to a new position.
    """
    cells = max(int(CELLS_PER_ROOT * len(vectors) ** 0.5), 1)
    index = _trained(earlier, vectors.shape[1], cells)
    if index is None:
        dimension = vectors.shape[1]
        parts = next(m for m in range(max(dimension // 8, 1), 0, -1) if dimension % m == 0)
        index = faiss.IndexIVFPQ(
            faiss.IndexFlatIP(dimension), dimension, cells, parts, 8, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.niter, index.cp.max_points_per_centroid = ROUNDS, TRAINED_PER_CELL
        index.pq.cp.niter = ROUNDS
        index.train(_sample(vectors, max(TRAINED_PER_CELL * cells, 1000)))
    elif moved is not None and index.ntotal == len(moved):
        _move_codes(index, moved)
        _add_missing(index, vectors, moved)
        return index
    index.reset()
    index.add(vectors)
    return index


def _move_codes(index: Any, moved: NDArray[np.int32]) -> None:
    """Give each vector of the cells its new position and drop those that have none."""
    for cell in range(index.nlist):
        ids, codes = _cell(index, cell)
        ids = moved[ids].astype(np.int64)
        kept = ids >= 0
        _fill_cell(index, cell, ids[kept], codes[kept])
    index.ntotal = int((moved >= 0).sum())


def _add_missing(index: Any, vectors: Vectors, moved: NDArray[np.int32]) -> None:
    """Add the vectors that were not there before; within each cell positions ascend, as if all had been added."""
    missing = np.ones(len(vectors), dtype=bool)
    missing[moved[moved >= 0]] = False
    positions = np.flatnonzero(missing)
    if not len(positions):
        return
    index.add_with_ids(vectors[positions], positions)
    for cell in range(index.nlist):
        ids, codes = _cell(index, cell)
        if len(ids) and (np.diff(ids) < 0).any():
            order = np.argsort(ids)
            _fill_cell(index, cell, ids[order], codes[order])


def _cell(index: Any, cell: int) -> tuple[Positions, NDArray[np.uint8]]:
    """Positions and codes of a cell, copied."""
    lists = index.invlists
    size = lists.list_size(cell)
    if not size:
        return np.zeros(0, np.int64), np.zeros((0, index.code_size), np.uint8)
    ids = faiss.rev_swig_ptr(lists.get_ids(cell), size).copy()
    codes = faiss.rev_swig_ptr(lists.get_codes(cell), size * index.code_size).copy()
    return ids, codes.reshape(size, index.code_size)


def _fill_cell(index: Any, cell: int, ids: Positions, codes: NDArray[np.uint8]) -> None:
    lists, ids, codes = index.invlists, np.ascontiguousarray(ids), np.ascontiguousarray(codes)
    lists.resize(cell, len(ids))
    if len(ids):
        lists.update_entries(cell, 0, len(ids), faiss.swig_ptr(ids), faiss.swig_ptr(codes))


def _trained(path: Path | None, dimension: int, cells: int) -> Any:
    """An index whose cells are still about as many as are needed; None when there is none."""
    if path is None or not path.is_file():
        return None
    index = _read(path)
    if index.d != dimension or not 0.7 < index.nlist / cells < 1.5:
        return None
    return index


def _read(path: Path) -> Any:
    # faiss reads hostile bytes unsafely: callers have checked the SHA-256 of the file.
    try:
        return faiss.deserialize_index(np.fromfile(path, dtype=np.uint8))
    except RuntimeError as error:
        raise ValueError(f"{path} is damaged ({str(error).splitlines()[0][:100]})") from error


def _sample(vectors: Vectors, count: int) -> Vectors:
    if len(vectors) <= count:
        return vectors
    chosen = np.random.default_rng(0).choice(len(vectors), count, replace=False)
    return vectors[np.sort(chosen)]
