"""Runs an embedding model: a vector for each text, and one for each token in its context."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.merging import changed_weights
from rag.minilm_graph import minilm_graph
from rag.model_folders import need, without_bar

Vectors = NDArray[np.float32]


class States(Protocol):
    """As `minilm_session` gives it."""

    def __call__(self, ids: Any, segments: Any = None) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A text, cut to what the model reads, as token ids with the special ones."""

    text: str
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Encoder:
    """`texts` gives unit vectors, shape (n, dimension); `tokens` those of each text's tokens, special ones included."""

    texts: Callable[[Sequence[Tokenized]], Vectors]
    tokens: Callable[[Sequence[Tokenized]], list[Vectors]]
    pads: bool  # False: every text of a batch must have the same length
    threads: int  # batches that may run at once


def minilm_session(weights: Mapping[str, Any], *, int8: bool, threads: int = 1) -> States:
    """MiniLM's states of tokens on ONNX Runtime, with any weights of its shape: `states(ids, segments)`.

    Both are whole numbers of shape (n, tokens), the special tokens included, and all texts of a batch have one length;
    segments (0 or 1; None = all 0) tell the second text of a pair from the first. Gives fp32 of shape
    (n, tokens, 384). A batch runs on `threads` threads; several may run at once.
    """
    run = _minilm_run(weights, int8=int8, threads=threads)
    return lambda ids, segments=None: run("states", ids, segments)


def minilm_encoder(weights: Mapping[str, Any], *, int8: bool, threads: int) -> Encoder:
    """Sentence vectors as MiniLM was trained to give them: the mean of the states, of length 1."""
    # A batch runs on the thread that asks: several batches at once scale better than one batch cut into pieces.
    run = _minilm_run(weights, int8=int8, threads=1)

    def vectors(output: str, batch: Sequence[Tokenized]) -> Vectors:
        return unit(run(output, np.array([text.ids for text in batch]), None))

    return Encoder(
        texts=lambda batch: vectors("mean", batch),
        tokens=lambda batch: list(vectors("states", batch)),
        pads=False,
        threads=threads,
    )


def _minilm_run(
    weights: Mapping[str, Any], *, int8: bool, threads: int
) -> Callable[[str, Any, Any], Vectors]:
    """Without torch, whose import alone takes longer than indexing a small folder.

    The graph is made from the weights in a tenth of a second, so that no file has to be kept, trusted or renewed.
    """
    runtime = need("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Above "basic" the runtime fuses into operators that are slower here.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    model = minilm_graph(weights, int8=int8)
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    words, kinds = (weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type"))
    places = weights["embeddings.position_embeddings.weight"]
    first_places = places + kinds[0]

    def run(output: str, ids: Any, segments: Any) -> Vectors:
        width = ids.shape[1]
        beside = first_places[:width] if segments is None else places[:width] + kinds[segments]
        found: Vectors = session.run([output], {"embedded": words[ids] + beside})[0]
        return found

    return run


def load_sentence_transformer(folder: Path, max_tokens: int, adapter: Path | None = None) -> Encoder:
    """Any model that sentence-transformers reads, with its own pooling, on the card when there is one."""
    library = need("sentence_transformers", extra="models")
    without_bar()
    model = library.SentenceTransformer(str(folder), local_files_only=True)
    if adapter is not None:
        _add_adapter(model, adapter)
    model.max_seq_length = max_tokens + 2
    lock = threading.Lock()  # its tokenizer is set anew at each call, which two threads must not do at once

    def encode(batch: Sequence[Tokenized], **options: Any) -> Any:
        texts = [found.text for found in batch]
        with lock:
            return model.encode(texts, batch_size=len(texts), show_progress_bar=False, **options)

    def tokens(batch: Sequence[Tokenized]) -> list[Vectors]:
        return [unit(found.float().cpu().numpy()) for found in encode(batch, output_value="token_embeddings")]

    return Encoder(
        texts=lambda batch: unit(encode(batch)),
        tokens=tokens,
        pads=True,
        threads=1,
    )


def _add_adapter(model: Any, adapter: Path) -> None:
    """Gives the model what an adapter's folder makes of its weights."""
    torch = need("torch", extra="models")
    own = model[0].auto_model.state_dict()  # shares the model's memory
    known = {name: value.float().cpu().numpy() for name, value in own.items() if value.is_floating_point()}
    for name, value in changed_weights(known, adapter).weights.items():
        own[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))


def unit(vectors: Any) -> Vectors:
    """Scaled to length 1 along the last axis."""
    found: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return found


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a model folder, without truncation or padding."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no tokenizer.json; save the model again with a fast tokenizer.")
    tokenizer = need("tokenizers").Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
