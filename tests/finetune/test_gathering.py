"""A run refuses what the data report says would waste it, unless it is allowed by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from finetune import TrainConfig, train
from finetune.data_records import DataReport, Finding
from finetune.gathering import refuse_waste
from finetune.schema import Example

Make = Callable[..., TrainConfig]


def report(*findings: Finding) -> DataReport:
    return DataReport(
        objective="sft", model="m", max_length=64, rows=3, held_out_rows=1, kinds={}, findings=findings
    )


TORN = Finding(key="truncated", message="2 rows lose their answers.", rows=(1, 2), blocking=True)
LEAK = Finding(key="leakage", message="1 row is held out too", blocking=True)


def test_each_wasteful_finding_has_to_be_allowed_by_its_key() -> None:
    with pytest.raises(ValueError) as caught:
        refuse_waste(report(TORN, LEAK), ())
    assert str(caught.value) == (
        "The data would waste the training: 2 rows lose their answers (1 more: leakage). "
        "Mend it, or train all the same with --allow truncated --allow leakage."
    )
    with pytest.raises(ValueError, match="1 row is held out too.*--allow leakage"):
        refuse_waste(report(TORN, LEAK), ("truncated",))
    refuse_waste(report(TORN, LEAK), ("truncated", "leakage"))
    refuse_waste(report(Finding(key="near", message="2 rows are alike")), ())


def test_what_cannot_be_trained_at_all_cannot_be_allowed() -> None:
    fatal = Finding(key="one_label", message="Every row has the label 'a'.", blocking=True, fatal=True)
    with pytest.raises(ValueError, match="^Every row has the label 'a'.$"):
        refuse_waste(report(TORN, fatal), ("one_label", "truncated"))


def test_what_was_found_stands_in_the_notes_of_the_run(config: Make, rows: list[Example]) -> None:
    twins = [*rows, *rows[:4]]
    first = train(twins, config(max_steps=1, allow=("duplicates", "leakage", "conflicts")))
    assert any("4" in note for note in first.notes), first.notes
