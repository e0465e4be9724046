"""Milvus through pymilvus: a server or cluster at a URI, or Milvus Lite in the folder of the generation.

Each generation is a collection of its own; the manifest names the one that answers. Milvus Lite serves one process
at a time. The vectors stay mapped beside it: they answer when the collection is gone, and re-rank nothing else.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pymilvus
from pymilvus import DataType, MilvusClient

from rag.stores import Home, Positions, Vectors
from rag.stores.exact import ExactStore, checked

_log = logging.getLogger(__name__)
_FILE = "milvus.db"
_ROWS = 1000  # sent at once: a request may hold 64 MB
_LARGEST_ANSWER = 16_384  # hits that a server gives at most
COMPARED_ONE_BY_ONE = 20_000  # as few allowed vectors as these are compared here; the filter need not travel


class MilvusStore:
    """A collection whose key is the position, and the mapped vectors."""

    def __init__(self, client: Any, collection: str, vectors: Vectors) -> None:
        self._client, self._collection, self._vectors = client, collection, vectors
        self._exact = ExactStore(vectors)
        weakref.finalize(self, client.close)  # a connection that is left open pings its server for ever

    def search(self, query: Vectors, k: int, allowed: Positions | None = None) -> list[tuple[int, float]]:
        row = checked(query, self._vectors)
        wanted = min(k, len(self._vectors) if allowed is None else len(allowed))
        few = allowed is not None and len(allowed) <= COMPARED_ONE_BY_ONE
        if wanted < 1 or few or wanted > _LARGEST_ANSWER:
            return self._exact.search(row, k, allowed)
        asked: dict[str, Any] = {"data": [row.tolist()], "limit": wanted, "output_fields": ["position"]}
        if allowed is not None:
            asked["filter"] = "position in {allowed}"
            asked["filter_params"] = {"allowed": np.unique(allowed).tolist()}
        try:
            with _named(self._collection):
                hits = self._client.search(self._collection, **asked)[0]
        except OSError as error:  # another process swapped the generation, or the server went away
            _log.warning("%s; vectors are compared one by one", error)
            return self._exact.search(row, k, allowed)
        # Scored here, so that equal passages have equal scores wherever they are kept.
        return self._exact.search(row, k, np.asarray([hit["position"] for hit in hits], dtype=np.int64))

    def vectors(self, positions: Positions) -> Vectors:
        return self._exact.vectors(positions)

    def __len__(self) -> int:
        return len(self._vectors)


def build(vectors: Vectors, home: Home) -> None:
    """Put the vectors into the generation's collection. OSError when Milvus cannot be reached or refuses."""
    schema = MilvusClient.create_schema(auto_id=False)
    schema.add_field("position", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    index = MilvusClient.prepare_index_params()
    index.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
    with _named(_place(home)), _client(home) as client:
        if client.has_collection(home.collection):  # left by a run that was killed before its manifest
            client.drop_collection(home.collection)
        client.create_collection(home.collection, schema=schema, index_params=index)
        for start in range(0, len(vectors), _ROWS):
            rows = vectors[start : start + _ROWS].tolist()
            client.insert(
                home.collection,
                [{"position": start + number, "vector": row} for number, row in enumerate(rows)],
            )
        client.flush(home.collection)


def load(vectors: Vectors, home: Home) -> MilvusStore:
    """The collection, ready to be searched. OSError when it is missing or cannot be reached, ValueError for another."""
    if home.uri is None and not (home.folder / _FILE).exists():
        raise FileNotFoundError(f"{home.folder / _FILE} is missing")
    with _named(_place(home)):
        client = _connect(home)
        try:
            client.load_collection(home.collection)
            counted = client.query(home.collection, output_fields=["count(*)"])[0]["count(*)"]
            if counted != len(vectors):
                raise ValueError(
                    f"Collection {home.collection} at {_place(home)} holds {counted} vectors, not {len(vectors)}."
                )
        except BaseException:
            client.close()
            raise
    return MilvusStore(client, home.collection, vectors)


def drop(home: Home) -> None:
    """Drop the collections of this index's other generations, where they live outside its folder."""
    if home.uri is None:
        return
    prefix = home.collection.rpartition("_")[0] + "_"
    with _named(_place(home)), _client(home) as client:
        for name in client.list_collections():
            if name.startswith(prefix) and name != home.collection:
                client.drop_collection(name)


def _place(home: Home) -> str:
    return home.uri or str(home.folder / _FILE)


def _connect(home: Home) -> Any:
    return MilvusClient(_place(home), token=home.token or "", timeout=10)


@contextmanager
def _client(home: Home) -> Iterator[Any]:
    client = _connect(home)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _named(place: str) -> Iterator[None]:
    """One line for whatever Milvus raises; its own log of each error would fill the terminal."""
    log = logging.getLogger("pymilvus")
    before, log.disabled = log.disabled, True
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:  # damaged files of Milvus Lite come as whatever reads them raises
        reason = error.message if isinstance(error, pymilvus.MilvusException) else str(error)
        raise OSError(f"Milvus at {place} failed ({' '.join(str(reason).split())[:200]})") from error
    finally:
        log.disabled = before
