"""A model is found, or refused in one line; its hash follows its weights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.weights import base_hash, parameter_count, resolve_model, tensors_complete


def test_a_local_folder_and_minilm_are_found(tiny_llama: Path) -> None:
    assert resolve_model(str(tiny_llama)) == tiny_llama
    assert (resolve_model("minilm") / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["./nowhere", "minilmm", "no-such-org/no-such-model", "a b", ""])
def test_an_unknown_model_is_one_line_that_says_what_to_give(name: str) -> None:
    with pytest.raises(ValueError, match="give a local folder, a hub name or 'minilm'") as caught:
        resolve_model(name)
    assert "\n" not in str(caught.value)


def test_a_misspelt_model_is_told_its_neighbours(tiny_llama: Path) -> None:
    with pytest.raises(ValueError, match=r"near: minilm"):
        resolve_model("minlm")
    with pytest.raises(ValueError, match=r"near: .*tiny-llama"):
        resolve_model(str(tiny_llama.with_name("tiny-lama")))


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no config.json"):
        resolve_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"no \*\.safetensors weights"):
        resolve_model(str(tmp_path))
    (tmp_path / "config.json").unlink()
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    with pytest.raises(ValueError, match="is an adapter, not a model; give its base 'org/base'"):
        resolve_model(str(tmp_path))


def test_the_hash_follows_the_weights_and_not_the_place(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "copy")
    assert base_hash(copy) == base_hash(tiny_llama)
    content = bytearray((copy / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "model.safetensors").write_bytes(content)
    assert base_hash(copy) != base_hash(tiny_llama)


def test_weights_are_counted_without_loading_them(tiny_llama: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_llama)
    assert parameter_count(tiny_llama) == sum(weight.numel() for weight in model.parameters())


def test_a_half_written_file_of_weights_is_seen(tiny_llama: Path, tmp_path: Path) -> None:
    whole = (tiny_llama / "model.safetensors").read_bytes()
    half = tmp_path / "half.safetensors"
    for length in (0, 4, 100, len(whole) - 1):
        half.write_bytes(whole[:length])
        assert not tensors_complete(half)
    assert tensors_complete(tiny_llama / "model.safetensors")


def test_a_hub_that_takes_the_call_and_never_answers_is_given_up(tmp_path: Path) -> None:
    # In a process of its own: the hub's address is read when its client is imported.
    code = (
        "import finetune.weights as w; w.HUB_SECONDS = 0.2\n"
        "try: w.resolve_model('org/model')\nexcept ValueError as error: print(error)"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hub = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "Unknown model 'org/model': no such folder" in done.stdout and "Timeout" in done.stdout, (
        done.stderr
    )
