"""What can be merged answers as before, on its own and in a fresh load; what cannot is refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from trained_pairs import Trained, logits

from finetune import load_classifier, load_generator, read_card
from finetune.merge import merge_adapter
from finetune.methods import METHODS
from finetune.weights import base_hash

Pairs = dict[tuple[str, str], Trained]
MERGES = [name for name, method in METHODS.items() if method.merges and not method.whole]


@pytest.mark.parametrize("objective", ["sft", "classify"])
@pytest.mark.parametrize("method", MERGES)
def test_a_merged_model_gives_the_outputs_of_base_and_adapter(
    method: str, objective: str, trained_pairs: Pairs, tmp_path: Path
) -> None:
    if (method, objective) not in trained_pairs:
        pytest.skip("features predicts labels alone")
    pair = trained_pairs[method, objective]
    merged = merge_adapter(pair.folder, tmp_path / "merged")
    assert (merged.dtype, merged.difference <= 1e-4, merged.rounding <= 1e-4) == ("float32", True, True)
    if objective == "sft":
        apart, whole = load_generator(str(pair.base), pair.folder).model, load_generator(merged.path).model
    else:
        apart = load_classifier(str(pair.base), pair.folder)._model
        whole = load_classifier(str(pair.base), merged.path)._model
    assert torch.allclose(logits(apart), logits(whole), atol=1e-4)
    assert read_card(merged.path).merged and not list(Path(merged.path).glob("adapter_*"))[1:]


def test_sixteen_bit_bases_are_merged_in_fp32_and_stored_in_their_format(
    trained_pairs: Pairs, tmp_path: Path
) -> None:
    pair = trained_pairs["lora", "sft"]
    merged = merge_adapter(pair.folder, tmp_path / "merged", dtype="bfloat16")
    stored = load_file(tmp_path / "merged" / "model.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.bfloat16}
    assert merged.difference <= 1e-4 < merged.rounding < 0.1


def test_a_four_bit_run_is_merged_onto_the_weights_that_were_quantised(
    trained_pairs: Pairs, tmp_path: Path
) -> None:
    pair = trained_pairs["qlora", "sft"]
    merge_adapter(pair.folder, tmp_path / "merged")
    before, after = (
        load_file(pair.base / "model.safetensors"),
        load_file(tmp_path / "merged" / "model.safetensors"),
    )
    assert torch.equal(before["model.norm.weight"], after["model.norm.weight"])
    assert (
        before["model.layers.0.mlp.up_proj.weight"].shape == after["model.layers.0.mlp.up_proj.weight"].shape
    )


@pytest.mark.parametrize("method", ["prompt", "prefix", "houlsby"])
def test_what_is_no_sum_with_the_weights_cannot_be_merged(
    method: str, trained_pairs: Pairs, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=rf"What {method} adds is no sum.*These can: .*lora"):
        merge_adapter(trained_pairs[method, "sft"].folder, tmp_path / "merged")
    with pytest.raises(ValueError, match="is a whole model already"):
        merge_adapter(trained_pairs["full", "sft"].folder, tmp_path / "merged")


def test_a_merge_that_would_change_the_outputs_leaves_nothing(trained_pairs: Pairs, tmp_path: Path) -> None:
    import shutil

    broken = shutil.copytree(trained_pairs["lora", "sft"].folder, tmp_path / "broken")
    weights = load_file(broken / "adapter_model.safetensors")
    first = next(iter(weights))
    weights[first][0, 0] = float("nan")
    save_file(weights, broken / "adapter_model.safetensors")
    with pytest.raises(ValueError):
        merge_adapter(broken, tmp_path / "merged")
    assert not list(tmp_path.glob("merged*"))


def test_the_base_must_be_the_one_of_the_card_and_the_place_free(
    trained_pairs: Pairs, tmp_path: Path
) -> None:
    pair = trained_pairs["lora", "sft"]
    other = trained_pairs["llama_adapter", "sft"].base
    with pytest.raises(ValueError, match="holds other weights"):
        merge_adapter(pair.folder, tmp_path / "merged", model=str(other))
    (tmp_path / "taken").mkdir()
    with pytest.raises(ValueError, match="exists; choose another --out"):
        merge_adapter(pair.folder, tmp_path / "taken")


def test_a_merged_model_is_a_base_of_its_own(trained_pairs: Pairs, tmp_path: Path) -> None:
    pair = trained_pairs["rslora", "sft"]
    merge_adapter(pair.folder, tmp_path / "merged")
    assert base_hash(tmp_path / "merged") != base_hash(pair.base)
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["model_type"] == "qwen2"
