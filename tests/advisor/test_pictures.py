import re

import pytest
from example_report import FULL, LORA, QLORA
from hypothesis import given
from hypothesis import strategies as st

from advisor.pictures import MemoryBar, memory_picture, text_px, ticks, weight_picture


def bars(*memories, limit=24.0):
    return [
        MemoryBar(label=f"bar {index}", more=(), memory=memory, limit_gib=limit)
        for index, memory in enumerate(memories)
    ]


def widths(picture):
    return [float(width) for width in re.findall(r'class="piece"[^>]* width="([\d.]+)%"', picture)]


def same(text):
    return text


def test_a_bar_is_as_long_as_what_it_stands_for():
    drawn = memory_picture(bars(LORA), same, key="m")
    ends = [
        float(x) + float(w) for x, w in re.findall(r'class="piece" x="([\d.]+)%" width="([\d.]+)%"', drawn)
    ]
    limit = float(re.findall(r'class="limit" x1="([\d.]+)%"', drawn)[0])
    assert max(ends) / limit == pytest.approx(LORA.device_gib / 24.0, rel=0.02)


def test_a_bar_that_needs_far_more_is_cut_and_says_so():
    drawn = memory_picture(bars(QLORA, FULL), same, key="m")
    assert "»" in drawn and sum(widths(drawn)) < 200.1
    assert "»" not in memory_picture(bars(QLORA, LORA), same, key="m")


def test_without_a_card_there_is_no_limit():
    assert 'class="limit"' not in memory_picture(bars(LORA, limit=None), same, key="m")


def test_points_against_are_left_of_the_middle():
    drawn = weight_picture(-2.0, 1.0, 2.0, "x")
    (left, width), (right, _) = re.findall(r'class="bar \w+" x="([\d.]+)%" width="([\d.]+)%"', drawn)
    assert float(left) + float(width) == pytest.approx(50) and float(right) == 50
    assert ">-2.0<" in drawn and ">+1.0<" in drawn


def test_a_label_is_escaped():
    assert "<b>" not in weight_picture(1.0, None, 1.0, "<b>")
    named = [MemoryBar(label="<b>", more=("<i>",), memory=LORA)]
    assert not re.search("<b>|<i>", memory_picture(named, same, key="m"))


def test_chinese_is_wider_than_latin():
    assert text_px("权重") > text_px("we")


def test_a_narrow_screen_gets_shorter_labels():
    model = "a-model-with-a-very-long-name-" * 2
    named = [MemoryBar(label="way to train " * 6, more=(model, "21.4 GiB", "fits"), memory=LORA)]
    drawn = memory_picture(named, same, key="m")
    narrow = re.findall(r'class="(?:label|more) n"[^>]*>([^<]*)<', drawn)
    wide = re.findall(r'class="(?:label|more) w"[^>]*>([^<]*)<', drawn)
    assert narrow == [narrow[0], "21.4 GiB · fits"] and narrow[0].endswith("…")
    assert wide[1] == f"{model} · 21.4 GiB · fits" and len(wide[0]) > len(narrow[0])


@given(st.floats(min_value=1e-3, max_value=1e6))
def test_an_axis_has_a_few_round_numbers_within_its_span(span):
    places = ticks(span)
    assert places[0] == 0 and places[-1] <= span * (1 + 1e-6) and 3 <= len(places) <= 7
