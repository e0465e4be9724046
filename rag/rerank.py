"""A cross-encoder that reads question and passage together: slower than the legs, and better at telling near misses."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.cross_encoder import CrossEncoder, open_cross_encoder
from rag.model_folders import model_folder, need, without_bar
from rag.tuned import CARD, shipped

_BATCH_TOKENS = 4096  # padded tokens of one batch: bounds the memory that it takes
SHIPPED = ("minilm", "shipped")  # names of the reranker that comes with the program
_LONGEST = 512  # tokens of question and passage, where the model does not say


class Reranker:
    """A model with one score for a pair, or with two labels of which the second means relevant."""

    def __init__(self, name: str, folder: Path) -> None:
        torch, transformers = (need(name, "Reranking", "models") for name in ("torch", "transformers"))
        self.name = name
        self._lock = threading.Lock()  # one model, many threads of a service
        self._torch = torch
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        kind = transformers.AutoModelForSequenceClassification
        model = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        if model.config.num_labels not in (1, 2):
            raise ValueError(
                f"{name} sorts into {model.config.num_labels} labels; a reranker has 1 or 2. "
                f"Name a cross-encoder, such as cross-encoder/ms-marco-MiniLM-L6-v2."
            )
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.to(self._device).eval()
        limit = min(
            self._tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", _LONGEST)
        )
        self._longest = int(limit) if limit < 1 << 20 else _LONGEST

    def reads(self, query: str) -> bool:
        return True  # whoever names a model knows for which languages it is

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How relevant each text is, 0 to 1, in the order of the texts; what is too long is cut at its end."""
        pairs = self._tokenizer(
            [query] * len(texts), list(texts), truncation="longest_first", max_length=self._longest
        )
        lengths = [len(ids) for ids in pairs["input_ids"]]
        order = sorted(range(len(texts)), key=lambda index: -lengths[index])
        found = np.zeros(len(texts), dtype=np.float32)
        done = 0
        while done < len(order):
            batch = order[done : done + max(_BATCH_TOKENS // max(lengths[order[done]], 1), 1)]
            found[batch] = self._batch({name: [values[i] for i in batch] for name, values in pairs.items()})
            done += len(batch)
        return found

    def _batch(self, rows: dict[str, Any]) -> NDArray[np.float32]:
        torch = self._torch
        with self._lock, torch.inference_mode():
            inputs = self._tokenizer.pad(rows, return_tensors="pt").to(self._device)
            logits = self._model(**inputs).logits.float()
            raw = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
            scores: NDArray[np.float32] = torch.sigmoid(raw).cpu().numpy()
        return scores


_LOADING = threading.Lock()


def load_reranker(name: str) -> Reranker | CrossEncoder:
    """A local folder with a cross-encoder, an adapter's folder that was trained to rerank, a hub name, or "minilm"
    (also "shipped"), the one that comes with the program; loaded once.

    Raises OSError for a name that leads nowhere, ValueError for a model that is none, ImportError for a missing extra.
    """
    with _LOADING:
        return _load(name)


@lru_cache(maxsize=2)
def _load(name: str) -> Reranker | CrossEncoder:
    if name in SHIPPED:
        own = shipped("reranker")
        if own is None:
            raise ValueError(
                f"No reranker comes with this version, so {name!r} names none; train one: advisor train ROWS "
                "--objective rerank --model minilm --out OUT, and name its folder."
            )
        return open_cross_encoder(own)
    folder = model_folder(name, "Reranker", "search without a reranker")
    if (folder / CARD).is_file():
        return open_cross_encoder(folder)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds no config.json; name the folder of a cross-encoder.")
    without_bar()
    return Reranker(name, folder)
