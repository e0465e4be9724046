"""A cross-encoder with random weights: its order is the order of the hits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import HashEmbedder

from rag import Document, RagConfig, build_index
from rag.catalogue import indexed_text
from rag.rerank import Reranker, load_reranker

TEXTS = ["the red door", "a blue door opens", "nothing", "door " * 300]


def make_model(folder: Path, labels: int) -> Path:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "the",
        "red",
        "door",
        "a",
        "blue",
        "opens",
        "nothing",
    ]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(
        folder
    )
    torch.manual_seed(3)
    config: Any = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, num_labels=labels, initializer_range=1.0,
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return make_model(tmp_path / "model", 1)


def test_scores_do_not_depend_on_the_batch(model: Path) -> None:
    reranker = load_reranker(str(model))
    together = reranker.scores("red door", TEXTS)
    alone = [float(reranker.scores("red door", [text])[0]) for text in TEXTS]
    assert together.tolist() == pytest.approx(alone, abs=1e-5)
    assert len(set(np.round(together, 4))) > 1
    assert ((together >= 0) & (together <= 1)).all()


def test_a_model_is_loaded_once_for_all_threads(model: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: load_reranker(str(model)), range(4)))
        scores = list(threads.map(lambda one: one.scores("door", TEXTS).tolist(), found))
    assert all(one is found[0] for one in found)
    assert all(one == scores[0] for one in scores)


def test_hits_come_in_the_order_of_the_reranker(model: Path, tmp_path: Path) -> None:
    documents = [Document(text=text, source=f"{n}.md") for n, text in enumerate(TEXTS[:3])]
    index = build_index(documents, tmp_path / "index", RagConfig(candidates=3), embedder=HashEmbedder())
    index.config = replace(index.config, rerank=str(model))
    trace = index.trace("red door", k=2)
    scores = [hit.score for hit in trace.hits]
    assert scores == sorted(scores, reverse=True)
    expected = load_reranker(str(model)).scores("red door", [indexed_text(hit.chunk) for hit in trace.hits])
    assert scores == pytest.approx(expected.tolist(), abs=1e-5)
    assert (trace.reranker, len(trace.reranked)) == (str(model), 3)
    assert trace.dropped[0].why.startswith("reranked to 3")


def test_what_is_no_reranker_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no config.json"):
        load_reranker(str(tmp_path))
    (tmp_path / "three").mkdir()
    with pytest.raises(ValueError, match="sorts into 3 labels"):
        Reranker("three", make_model(tmp_path / "three", 3))
