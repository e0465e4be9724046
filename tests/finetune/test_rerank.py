"""A cross-encoder learns which of a question's passages answer it, and is scored by where these come to stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_families import build

from finetune import TrainConfig, TrainResult, train
from finetune.classify_rows import load_tokenizer
from finetune.objectives import load_objective
from finetune.rerank_batches import RankCollator, ranking_losses
from finetune.rerank_rows import encode, pairs_of, sequences
from finetune.schema import Example
from finetune.weights import resolve_model

WRONG = ("is in the box, ok.", "was lost, ok.")


def row(number: int, *, split: str = "train") -> Example:
    """What tells the right passage is how it ends; the question is in both."""
    asked = f"Where is item {number}?"
    wrong = tuple(f"Item {number} {end}" for end in WRONG)
    return Example(
        question=asked, positives=(f"Item {number} is here, thanks.",), negatives=wrong, split=split
    )


ROWS = [row(number, split="test" if number >= 24 else "train") for number in range(32)]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("rerank") / "bert", "bert")


@pytest.fixture(scope="module")
def minilm() -> Path:
    return resolve_model("minilm")


def settings(model: Path, out: Path, **changes: object) -> TrainConfig:
    fixed = {
        "model": str(model), "out": str(out), "objective": "rerank", "max_steps": 16, "batch_size": 8,
        "learning_rate": 1e-2, "head_learning_rate": 1e-2, "max_length": 64, "negatives": 2, "save_steps": 100,
    }  # fmt: skip
    return TrainConfig(**{**fixed, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainResult]:
    place = tmp_path_factory.mktemp("trained")
    return {name: train(ROWS, settings(bert, place / name, method=name)) for name in ("lora", "full")}


def test_right_passages_come_to_stand_first(trained: dict[str, TrainResult]) -> None:
    for name, result in trained.items():
        after = result.card.metrics_after
        assert after["recall_at_1"] >= 0.9 and after["mrr_at_10"] >= 0.9 and after["ndcg_at_10"] >= 0.9, name
        assert after["held_out_rows"] == 8
        assert result.card.gains["loss"]["high"] < 0
        assert result.card.gains["ndcg_at_10"].keys() >= {"before", "after", "low", "high"}


def test_an_adapter_holds_its_head_and_a_whole_model_has_it_beside_it(
    trained: dict[str, TrainResult],
) -> None:
    adapter = load_file(Path(trained["lora"].path) / "adapter_model.safetensors")
    assert sum("classifier" in name for name in adapter) == 2
    head = load_file(Path(trained["full"].path) / "head.safetensors")
    assert head["weight"].shape[0] == 1 and (Path(trained["full"].path) / "config.json").is_file()
    card = json.loads((Path(trained["lora"].path) / "adapter_card.json").read_text("utf-8"))
    assert card["objective"] == "rerank" and card["config"]["stop_on"] == "ndcg_at_10"


def test_only_the_passage_is_cut(minilm: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(minilm, ())
    long = Example(question="Where is it?", positives=("here " * 90,), negatives=("there",))
    one = encode([long], settings(minilm, tmp_path, max_length=32, negatives=1), minilm, tokenizer)[0]
    right, wrong = one.rows
    assert len(right.input_ids) == 32 and right.lost > 0 and wrong.lost == 0
    first = next(at for at, label in enumerate(right.labels) if label != -100)
    assert right.input_ids[:first] == wrong.input_ids[:first]  # the whole question and its marks
    assert right.input_ids[-1] == wrong.input_ids[-1] == tokenizer.sep_token_id


def test_a_question_that_fills_the_length_leaves_room_for_its_passage(minilm: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(minilm, ())
    asked = Example(question="where " * 200, positives=("here it is",), negatives=("no",))
    one = encode([asked], settings(minilm, tmp_path, max_length=32, negatives=1), minilm, tokenizer)[0]
    assert all(len(pair.input_ids) <= 32 and pair.labels[-1] != -100 for pair in one.rows)


def test_passages_of_other_questions_stand_in_for_missing_negatives(bert: Path, tmp_path: Path) -> None:
    rows = [Example(question=f"Which {n}?", positives=(f"That is {n}.", f"It is {n}.")) for n in range(5)]
    tokenizer = load_tokenizer(bert, ())
    config = settings(bert, tmp_path, negatives=3)
    encoded = encode(rows, config, bert, tokenizer)
    assert all(one.sides == ("positive", "positive", "negative", "negative", "negative") for one in encoded)
    for one, example in zip(encoded, rows, strict=True):
        read = [tokenizer.decode([t for t in pair.labels if t != -100]) for pair in one.rows]
        assert not set(read[:2]) & set(read[2:]), example.question
    taught, held = sequences(encoded, encoded, config, bert)
    assert len(taught) == 10 and {len(pairs_of(one)) for one in taught} == {4}
    assert len(held) == 5 and held[0]["right"] == [2]


def test_the_loss_is_the_share_that_softmax_gives_to_what_is_right() -> None:
    scores = torch.tensor([2.0, 0.0, 1.0, 1.0, 1.0])
    owners, columns = torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 1, 0, 1, 2])
    right = torch.tensor([True, False, True, True, False])
    found = ranking_losses(scores, owners, columns, right)
    assert found[0].item() == pytest.approx(-torch.log_softmax(scores[:2], 0)[0].item())
    assert found[1].item() == pytest.approx(-torch.log(torch.tensor(2 / 3)).item())


def test_a_batch_marks_which_tokens_are_the_passage() -> None:
    rows = [
        {"input_ids": [1, 5, 2, 6, 2], "negative_0_input_ids": [1, 5, 2, 2], "firsts": [3, 3], "right": [1]},
        {"input_ids": [1, 2, 2], "negative_0_input_ids": [1, 2, 7, 2], "firsts": [2, 2], "right": [1]},
    ]
    batch = RankCollator(0, segments=True)(rows)
    assert batch["token_type_ids"].tolist() == [
        [0, 0, 0, 1, 1],
        [0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
    ]
    assert batch["attention_mask"].sum(1).tolist() == [5, 4, 3, 4]
    assert batch["owners"].tolist() == [0, 0, 1, 1] and batch["right"].tolist() == [True, False, True, False]
    assert "token_type_ids" not in RankCollator(0, segments=False)(rows)


def test_rows_without_a_passage_to_search_are_of_another_kind() -> None:
    usable = load_objective("rerank").usable
    assert (
        usable(ROWS[0]) and not usable(Example(question="Why?")) and not usable(Example(text="a", label="b"))
    )
