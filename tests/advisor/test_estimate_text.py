from dataclasses import dataclass

import pytest
from rich.cells import cell_len

from advisor import ServeSetup, find_model
from advisor.estimate_text import render_estimate
from advisor.limits import method_setup
from advisor.memory_answer import answer, as_dict
from advisor.schema import Gpu

QWEN_7B = find_model("Qwen2.5-7B")
SMALL, LARGE = Gpu(name="a card with 8 GiB", vram_gib=8.0), Gpu(name="RTX 4090", vram_gib=23.5)


@dataclass(frozen=True, slots=True)
class FakeSimulation:
    allocated_gib: float
    layers_run: tuple[int, ...] = (2, 4)
    layers: int = 28


@pytest.mark.parametrize("width", [44, 60, 80, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "setup",
    [method_setup("full"), method_setup("lora", gradient_checkpointing=False), ServeSetup(concurrent=40)],
)
def test_lines_stay_within_the_terminal_but_for_flags_to_copy(width, language, setup):
    text = render_estimate(answer(QWEN_7B, setup, SMALL), width=width, language=language)
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    assert max(map(cell_len, lines)) <= width


def test_colour_adds_no_words():
    found = answer(QWEN_7B, method_setup("qlora"), LARGE)
    plain, coloured = (render_estimate(found, width=100, colour=colour) for colour in (False, True))
    assert (
        "\x1b[" in coloured and "\x1b[" not in plain and len(plain.splitlines()) == len(coloured.splitlines())
    )


def test_every_part_above_a_hundredth_is_listed_and_adds_up():
    found = answer(QWEN_7B, method_setup("lora"), None)
    listed = render_estimate(found, width=100)
    for name, gib in found.memory.parts.items():
        assert gib < 0.01 or f"{gib:.2f}" in listed, name
    assert f"{found.memory.allocated_gib:.2f}" in listed and f"{found.memory.device_gib:.2f}" in listed


def test_a_simulation_stands_beside_the_formula_with_the_difference():
    found = answer(QWEN_7B, method_setup("lora"), None)
    other = FakeSimulation(allocated_gib=found.memory.allocated_gib / 1.02)
    text = render_estimate(answer(QWEN_7B, method_setup("lora"), None, simulation=other), width=100)
    assert "+2.0%" in text and f"{other.allocated_gib:.2f}" in text and "2 + 4 layers; the rest of 28" in text


def test_without_a_card_there_is_no_verdict_but_cards_that_do():
    found = answer(QWEN_7B, method_setup("lora"), None)
    assert (found.fits, found.remedies) == (None, ()) and found.sufficient
    assert "The smallest catalogued cards on which it fits surely" in render_estimate(found, width=100)


def test_what_is_too_large_for_every_card_says_so():
    found = answer(find_model("Llama-3.1-70B"), method_setup("full"), None)
    assert found.sufficient == ()
    assert "No catalogued card is large enough for it alone." in render_estimate(found, width=100)


def test_the_room_that_is_left_fits_and_no_more():
    found = answer(QWEN_7B, method_setup("qlora"), LARGE)
    more = answer(QWEN_7B, method_setup("qlora", batch_size=found.room_rows + 1), LARGE)
    assert found.fits == "yes" and more.fits != "yes"


def test_a_setup_with_models_in_it_becomes_plain_values():
    setup = ServeSetup(embedder=find_model("minilm"), reranker="minilm")
    assert (
        as_dict(answer(QWEN_7B, setup, None))["setup"]["embedder"] == "sentence-transformers/all-MiniLM-L6-v2"
    )
