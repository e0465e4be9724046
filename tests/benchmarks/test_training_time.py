"""Published speeds of training: each has a source, and most lie in the predicted interval."""

import statistics

import pytest
import training_time

from advisor.catalog import read_facts


@pytest.fixture(scope="module")
def rows():
    return training_time.compare()


def test_nine_of_ten_published_speeds_lie_in_the_interval(rows):
    judged = [row for row in rows if not row.is_input]
    assert len(judged) > 100
    assert sum(row.covered for row in judged) >= 0.9 * len(judged)
    assert statistics.median(abs(row.error) for row in judged) < 0.2


def test_the_intervals_are_narrow_enough_to_tell_something(rows):
    assert statistics.median(row.predicted.high_hours / row.predicted.low_hours for row in rows) < 3


def test_rows_that_rates_rest_on_are_marked_and_not_judged(rows):
    assert len([row for row in rows if row.is_input]) == 2
    assert any("Qwen" in rate["source"] for rate in read_facts("rates") if rate["key"] == "launch")


def test_every_publication_is_named_with_its_date_and_what_it_leaves_open():
    published = training_time.tomllib.loads(training_time.PUBLISHED.read_text("utf-8"))
    sources = {row["name"]: row for row in published["sources"]}
    assert all(row["source"] and row["date"] and row["assumed"] for row in sources.values())
    assert {row["source"] for row in published["speeds"]} == set(sources)


def test_the_report_lists_what_lies_outside(rows):
    text = training_time.report(rows)
    assert text.count("torchtune README: ") == len(
        [row for row in rows if row.source == "torchtune README" and not row.covered]
    )
