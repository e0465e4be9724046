from dataclasses import replace

import pytest

from advisor import DataProfile, ExampleProfile, describe_profile
from advisor.phrase import spoken, translations

CLEAN = DataProfile(files=9, size_bytes=9, formats={".md": 9}, tokens=900, languages={"en": 1.0})
ROWS = ExampleProfile(rows=100, kind="qa", p50_tokens=20, p95_tokens=40, p99_tokens=50, max_tokens=60)
FAULTY = replace(
    CLEAN,
    sampled=True,
    scanned=("a.pdf",),
    unreadable=("b.pdf: encrypted PDF",),
    near_duplicates=2,
    personal_data={"email": 3, "phone": 4},
    examples=replace(ROWS, leaked=5, conflicts=6, duplicates=7, max_tokens=900, labels={"up": 97, "down": 3}),
)


def test_nothing_is_said_where_there_is_nothing_to_do():
    assert describe_profile(replace(CLEAN, examples=ROWS)) == ()


def test_each_finding_is_said_with_its_count():
    said = describe_profile(FAULTY)
    assert len(said) == 10
    assert "7 matches" in said[4]
    assert "down has only 3 of 100" in said[8]


@pytest.mark.parametrize(("share", "word"), [(0.9, "retrieval"), (0.02, "training"), (0.3, "neither")])
def test_the_share_of_answers_in_the_documents_is_said_with_what_it_speaks_for(share, word):
    rows = replace(ROWS, answers_in_documents=share, answers_checked=80)
    (said,) = describe_profile(replace(CLEAN, examples=rows))
    assert word in said and f"{share:.0%} of 80" in said


def test_every_sentence_is_said_in_chinese_too():
    for said in describe_profile(FAULTY):
        assert said.template in translations()
        assert not spoken(said, "zh").isascii()
