"""Products in bf16 around attention in fp32 give what fp32 gives, within what bf16 can tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_encoders import bert, roberta

from finetune.encoder import load_encoder
from finetune.processor import mixes_formats
from finetune.schema import TrainConfig
from finetune.span_model import EncoderSpans

BF16 = 2**-8  # between 1 and the next number


def reader(folder: Path, *, mixed: bool) -> EncoderSpans:
    torch.manual_seed(0)
    return EncoderSpans(load_encoder(folder, mixed=mixed, dropout=not mixed, dtype=torch.float32))


def batch() -> dict[str, Any]:
    ids = torch.randint(5, 60, (3, 24), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    where = torch.tensor([3, 4, 5])
    return {"input_ids": ids, "attention_mask": mask, "start_positions": where, "end_positions": where + 1}


@pytest.mark.parametrize("make", [bert, roberta])
def test_the_loss_and_its_gradient_are_those_of_fp32(make: Any, tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    found = []
    for mixed in (False, True):
        model = reader(folder, mixed=mixed)
        output = model(**batch())
        output.loss.backward()
        gradient = torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])
        found.append((float(output.loss), gradient, output.logits))
        assert all(one.dtype == torch.float32 for one in (gradient, output.logits, *model.parameters()))
    (loss, gradient, logits), (mixed_loss, mixed_gradient, mixed_logits) = found
    assert mixed_loss != loss  # bf16 was used
    assert mixed_loss == pytest.approx(loss, rel=4 * BF16)
    assert torch.nn.functional.cosine_similarity(gradient, mixed_gradient, dim=0) > 0.99
    assert (mixed_logits - logits).abs().max() < 16 * BF16 * logits.abs().max()


def test_filling_changes_nothing(tmp_path: Path) -> None:
    model = reader(bert(tmp_path / "model"), mixed=True)
    given = batch()
    alone = model(
        input_ids=given["input_ids"][1:2, :9], attention_mask=given["attention_mask"][1:2, :9]
    ).logits
    beside = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits[1:2, :9]
    assert torch.allclose(alone, beside, atol=4 * BF16 * float(alone.abs().max()))


def test_dropout_is_left_out_where_asked(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model", hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)
    model = reader(folder, mixed=True).train()
    assert torch.equal(model(**batch()).logits, model(**batch()).logits)
    kept = EncoderSpans(load_encoder(folder, mixed=True, dtype=torch.float32)).train()
    assert not torch.equal(kept(**batch()).logits, kept(**batch()).logits)


@pytest.mark.parametrize(
    ("width", "objective", "method"),
    [(32, "span_qa", "lora"), (384, "sft", "lora"), (384, "span_qa", "qlora")],
)
def test_narrow_models_and_other_runs_stay_in_fp32(
    width: int, objective: str, method: str, tmp_path: Path
) -> None:
    folder = bert(tmp_path / "model", hidden_size=width)
    assert not mixes_formats(
        TrainConfig(model=str(folder), out="", objective=objective, method=method), folder
    )


def test_a_wide_encoder_follows_the_processor(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model", hidden_size=384)
    able = torch.cpu._is_amx_tile_supported() and not torch.cuda.is_available()
    assert mixes_formats(TrainConfig(model=str(folder), out="", objective="span_qa"), folder) == able
