"""Runs an embedding model: a vector for each text, and one for each token in its context."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.minilm_graph import minilm_graph
from rag.model_folders import need, without_bar
from rag.weights import read_tensors

Vectors = NDArray[np.float32]


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


def load_minilm(folder: Path, *, int8: bool, threads: int) -> Encoder:
    """MiniLM on ONNX Runtime, without torch, whose import alone takes longer than indexing a small folder.

    The graph is made from the weights in a tenth of a second, so that no file has to be kept, trusted or renewed.
    """
    runtime = need("onnxruntime")
    weights = read_tensors(folder / "model.safetensors")
    options = runtime.SessionOptions()
    # A batch runs on the thread that asks: several batches at once scale better than one batch cut into pieces.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Above "basic" the runtime fuses into operators that are slower here.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    model = minilm_graph(weights, int8=int8)
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    words = weights["embeddings.word_embeddings.weight"]
    places = (
        weights["embeddings.position_embeddings.weight"]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )

    def run(output: str, batch: Sequence[Tokenized]) -> Vectors:
        ids = np.array([text.ids for text in batch])
        found = session.run([output], {"embedded": words[ids] + places[: ids.shape[1]]})[0]
        return unit(found)

    return Encoder(
        texts=lambda batch: run("mean", batch),
        tokens=lambda batch: list(run("states", batch)),
        pads=False,
        threads=threads,
    )


def load_sentence_transformer(folder: Path, max_tokens: int) -> Encoder:
    """Any model that sentence-transformers reads, with its own pooling, on the card when there is one."""
    library = need("sentence_transformers", extra="models")
    without_bar()
    model = library.SentenceTransformer(str(folder), local_files_only=True)
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
