"""What the data report says of judged answers before they are learned."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_rows import pair, pairs, thumb, thumbs

from finetune.data_html import render_html
from finetune.data_records import DataReport
from finetune.data_report import check_data
from finetune.data_text import render_text
from finetune.schema import Example, TrainConfig
from finetune.splits import split_rows


def report(
    rows: list[Example], objective: str, model: Path | None = None, show: int = 0, **changes: int
) -> DataReport:
    config = TrainConfig(model=str(model or ""), out="", objective=objective, **changes)  # type: ignore[arg-type]
    return check_data(rows, [], config, model, show=show)


def said(found: DataReport, key: str) -> str:
    return next((one.message for one in found.findings if one.key == key), "")


def test_pairs_that_turn_one_another_round_stop_a_training() -> None:
    rows = [*pairs(6), pair("Item 2?", "2 is blue, ok.", "2 IS BLUE, thanks!", line=7)]
    found = report(rows, "dpo")
    (one,) = (finding for finding in found.findings if finding.key == "contradictions")
    assert one.rows == (3, 7) and one.blocking and "2 pairs that another row turns round" in one.message
    assert not said(found, "conflicts") and not said(found, "duplicates")


def test_answers_that_differ_in_spelling_alone_are_named() -> None:
    found = report([*pairs(12), pair("Why?", "So it is.", "so it is", line=13)], "reward")
    assert "1 pairs whose answers differ in case" in said(found, "equal_pairs")
    assert not found.blocking


def test_it_is_told_where_length_alone_would_tell_the_better_answer() -> None:
    assert "the longer one in 100% of the pairs" in said(report(pairs(6), "dpo"), "length_bias")
    turned = [pair(f"Item {n}?", "Yes.", "It may well be so.") for n in range(6)]
    assert "the shorter one in 100% of the pairs" in said(report(turned, "dpo"), "length_bias")
    even = [pair(f"Item {n}?", "Yes!", "Nope." if n % 2 else "No.") for n in range(6)]
    assert not said(report([*even, pair("Why?", "So it is.", "No.")], "dpo"), "length_bias")


@pytest.mark.parametrize(("liked", "cure"), [(True, "--objective sft"), (False, "--objective dpo")])
def test_one_sided_thumbs_are_refused_with_the_next_step(liked: bool, cure: str) -> None:
    found = report([thumb(f"Item {n}?", f"{n} is blue.", liked) for n in range(6)], "kto")
    assert cure in said(found, "one_sided") and found.blocking[0].fatal


def test_an_answer_that_some_like_and_others_do_not_is_named() -> None:
    found = report([*thumbs(4), thumb("Item 1?", "1 is Blue, thanks", False, line=9)], "kto")
    assert "liked in one and disliked in another" in said(found, "contradictions")
    assert found.labels == {"liked": 4, "disliked": 3}


def test_both_sides_count_and_are_shown(tiny_llama: Path) -> None:
    found = report(pairs(6), "dpo", tiny_llama, show=1)
    assert [preview.side for preview in found.preview] == ["chosen", "rejected"]
    assert [piece.text for preview in found.preview for piece in preview.pieces if piece.supervised] == [
        "0 is blue, thanks.<|im_end|>",
        "0 is blue, ok.<|im_end|>",
    ]
    one_sided = report(
        [thumb(f"Item {n}?", f"{n} is blue, thanks.", n % 2 == 0) for n in range(6)], "kto", tiny_llama
    )
    assert found.training is not None and one_sided.training is not None
    assert found.training.supervised > 1.5 * one_sided.training.supervised
    assert found.training.sequences == found.training.rows == 6
    text, html = render_text(found, colour=True), render_html(found)
    assert "Line 1, rejected, as the model sees it, what is judged in red" in text
    assert '<mark class="worse">' in html and "Line 1, chosen, as the model sees it" in html


def test_a_pair_is_dropped_whole_where_one_answer_is_lost(tiny_llama: Path) -> None:
    long = pair("Why? " * 60, "So it is, thanks.", "No.", line=7)
    found = report([*pairs(30), long], "dpo", tiny_llama, max_length=64)
    assert found.training is not None and (found.training.rows, found.training.rows_dropped) == (30, 1)
    assert not said(found, "no_eos")


def test_a_reward_model_loses_the_beginning_of_a_long_question(tiny_llama: Path) -> None:
    from finetune.objectives import load_objective

    config = TrainConfig(model="", out="", objective="reward", max_length=24)
    objective = load_objective("reward")
    tokenizer = objective.load_tokenizer(tiny_llama, ())
    (one,) = objective.encode([pair("Why? " * 60 + "now", "So.", "No.")], config, tiny_llama, tokenizer)
    words = tokenizer.decode(one.rows[0].input_ids)
    assert len(one.rows[0].input_ids) == 24 and words.endswith("So.<|im_end|>") and "now" in words


def test_thumbs_of_both_kinds_are_held_out() -> None:
    rows = [thumb(f"Item {n}?", f"{n}.", n % 5 > 0) for n in range(40)]
    _, held, _ = split_rows(rows, share=0.2)
    assert {row.thumb for row in held} == {True, False}
