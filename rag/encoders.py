"""Loads an embedding model and runs it: a vector for each text, and one for each token in its context."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
_WHAT_IS_MISSING = "Embedding needs {name}: pip install 'llm-adaptation-advisor[rag]'"


@dataclass(frozen=True, slots=True)
class Encoder:
    """`texts` gives unit vectors, shape (n, dimension); `tokens` those of one text's tokens, special ones included."""

    texts: Callable[[list[str]], Vectors]
    tokens: Callable[[str], Vectors]


def load_bert(folder: Path, max_tokens: int) -> Encoder:
    """MiniLM without sentence-transformers, whose import alone takes longer than indexing a small folder."""
    torch = need("torch")
    need("transformers")
    bert: Any = importlib.import_module("transformers.models.bert.modeling_bert")
    _without_bar()
    tokenizer = read_tokenizer(folder)
    tokenizer.enable_truncation(max_tokens + 2)
    tokenizer.enable_padding()
    model = bert.BertModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).eval()

    def states(texts: list[str]) -> tuple[Any, Any]:
        batch = tokenizer.encode_batch(texts)
        ids = torch.tensor([found.ids for found in batch], device=device)
        mask = torch.tensor([found.attention_mask for found in batch], device=device)
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=mask).last_hidden_state, mask

    def unit(vectors: Any) -> Vectors:
        found: Vectors = torch.nn.functional.normalize(vectors, dim=-1).float().cpu().numpy()
        return found

    def texts(batch: list[str]) -> Vectors:
        found, mask = states(batch)
        weight = mask.unsqueeze(-1).to(found.dtype)
        return unit((found * weight).sum(1) / weight.sum(1))  # mean pooling, as the model was trained

    def tokens(text: str) -> Vectors:
        return unit(states([text])[0][0])

    return Encoder(texts, tokens)


def load_sentence_transformer(folder: Path, max_tokens: int) -> Encoder:
    """Any model that sentence-transformers reads, with its own pooling."""
    library = need("sentence_transformers")
    _without_bar()
    model = library.SentenceTransformer(str(folder), local_files_only=True)
    model.max_seq_length = max_tokens + 2

    def texts(batch: list[str]) -> Vectors:
        vectors: Vectors = model.encode(
            batch, batch_size=len(batch), normalize_embeddings=True, show_progress_bar=False
        )
        return vectors

    def tokens(text: str) -> Vectors:
        found = model.encode([text], output_value="token_embeddings", show_progress_bar=False)[0]
        vectors = found.float().cpu().numpy()
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit

    return Encoder(texts, tokens)


def _without_bar() -> None:
    """A bar for each load would break into the program's own."""
    importlib.import_module("transformers.utils.logging").disable_progress_bar()


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a model folder, without truncation or padding."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no tokenizer.json; save the model again with a fast tokenizer.")
    tokenizer = need("tokenizers").Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def need(module: str) -> Any:
    """The module, or an ImportError that names the extra which cures its absence."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(_WHAT_IS_MISSING.format(name=error.name)) from error
