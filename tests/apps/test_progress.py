from __future__ import annotations

import pytest

from apps.progress import progress_lines, rate_text


def test_a_line_at_each_quarter_tells_the_rate_and_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 10.0, 11.0, 40.0])
    show = progress_lines(lambda: next(times))
    for done in (0, 25, 26, 100):
        show("read", done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "read: 25 of 100, 2.5 files/s, about 30 s left",
        "read: 100 of 100, 2.5 files/s",
    ]


def test_a_long_stage_says_something_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 5.0, 12.0, 15.0, 23.0])
    show = progress_lines(lambda: next(times))
    for done in (0, 10, 20, 30, 40):
        show("embed", done, 100_000)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "embed: 20 of 100000, 1.7 texts/s, about 16.7 h left" and len(said) == 2


def test_no_rate_is_told_before_there_is_a_second_to_divide_by() -> None:
    assert rate_text("read", 5, 0.2) == rate_text("write", 5, 3.0) == ""
    assert rate_text("embed", 250, 2.0) == "125 texts/s"


def test_a_detail_stands_in_the_place_of_the_rate_and_a_resumed_stage_counts_from_where_it_began(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = iter([0.0, 0.0, 20.0, 30.0])
    show = progress_lines(lambda: next(times))
    show("train", 50, 100)
    show("train", 50, 100, "loss 2.500, 900 tokens/s")
    show("train", 75, 100)
    show("save", 1, 1)
    assert capsys.readouterr().err.splitlines() == [
        "train: 75 of 100, loss 2.500, 900 tokens/s, about 20 s left",
        "save: 1 of 1",
    ]
