"""Adapters of one base are combined by rules that say what they need, and the sum is a sum."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from trained_pairs import Trained, logits, train_pair

from finetune import load_generator, read_card
from finetune.combine import RULES, combine_adapters

Pairs = dict[tuple[str, str], Trained]


def update(folder: Path, scale: float) -> torch.Tensor:
    """What an adapter adds to one weight."""
    stored = load_file(folder / "adapter_model.safetensors")
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_{}.weight"
    return scale * stored[name.format("B")] @ stored[name.format("A")]


@pytest.fixture(scope="module")
def second(trained_pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    base = trained_pairs["lora", "sft"].base
    folder = tmp_path_factory.mktemp("combine") / "second"
    return train_pair("lora", "sft", base, folder, max_steps=3, lora_rank=4, lora_alpha=8)


def test_cat_is_the_weighted_sum_of_the_updates(
    trained_pairs: Pairs, second: Trained, tmp_path: Path
) -> None:
    first = trained_pairs["lora", "sft"]
    card = combine_adapters([first.folder, second.folder], tmp_path / "both", weights=[0.75, 0.25])
    assert (card.config["lora_rank"], card.method, card.metrics_after) == (20, "lora", {})
    wanted = 0.75 * update(first.folder, 2) + 0.25 * update(second.folder, 2)
    assert torch.allclose(update(tmp_path / "both", 1), wanted, atol=1e-5)
    loaded = load_generator(str(first.base), tmp_path / "both")
    assert torch.isfinite(logits(loaded.model)).all()
    assert read_card(tmp_path / "both").trainable_params == card.trainable_params > 0


@pytest.mark.parametrize("rule", sorted({*RULES} - {"mean"}))  # of those: test_span_qa.py
def test_every_rule_leaves_an_adapter_that_loads(
    rule: str, trained_pairs: Pairs, second: Trained, tmp_path: Path
) -> None:
    first = trained_pairs["lora", "sft"]
    folders = [first.folder, trained_pairs["lora", "pretrain"].folder if rule == "linear" else second.folder]
    combine_adapters(folders, tmp_path / "c", rule=rule)
    alone, both = (
        load_generator(str(first.base), first.folder),
        load_generator(str(first.base), tmp_path / "c"),
    )
    assert not torch.allclose(logits(alone.model), logits(both.model), atol=1e-3)


def test_the_scale_of_each_part_is_in_the_sum(trained_pairs: Pairs, tmp_path: Path) -> None:
    first = trained_pairs["rslora", "sft"]  # alpha / sqrt(rank): 8
    combine_adapters([first.folder, trained_pairs["lora", "sft"].folder], tmp_path / "c", weights=[1.0, 0.0])
    alone, both = (
        load_generator(str(first.base), first.folder),
        load_generator(str(first.base), tmp_path / "c"),
    )
    assert torch.allclose(logits(alone.model), logits(both.model), atol=1e-4)


def test_what_does_not_fit_together_is_refused(trained_pairs: Pairs, second: Trained, tmp_path: Path) -> None:
    first = trained_pairs["lora", "sft"].folder
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"needs equal ranks, and these have \[16, 4\]; take cat or svd"):
        combine_adapters([first, second.folder], out, rule="linear")
    with pytest.raises(ValueError, match="takes two adapters or more"):
        combine_adapters([first], out)
    with pytest.raises(ValueError, match="Unknown rule 'sum'; choose one of"):
        combine_adapters([first, second.folder], out, rule="sum")
    with pytest.raises(ValueError, match="3 weights for 2 adapters"):
        combine_adapters([first, second.folder], out, weights=[1, 1, 1])
    with pytest.raises(ValueError, match="is ia3 for sft; adapters of lora, qlora, rslora"):
        combine_adapters([first, trained_pairs["ia3", "sft"].folder], out)
    assert not out.exists()
