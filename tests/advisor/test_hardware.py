import pytest

from advisor import Hardware, detect_hardware, hardware_with_vram


def test_this_machine_is_described_in_words_and_numbers():
    found = detect_hardware()
    assert found.cpu_cores >= 1
    assert found.ram_gib is None or 0.1 < found.ram_gib < 100_000
    assert found.disk_free_gib > 0
    assert found.gpus or "--vram" in found.note or "pip install" in found.note


def test_a_planned_card_replaces_the_machines_own_and_keeps_the_rest():
    planned = hardware_with_vram(24, Hardware(ram_gib=64.0, cpu_cores=8))
    assert planned.vram_gib == 24
    assert planned.ram_gib == 64
    assert "as you asked" in planned.note


@pytest.mark.parametrize("size", [-3, 0, float("nan"), float("inf"), 1_000_000])
def test_a_size_that_no_card_has_is_refused(size):
    with pytest.raises(ValueError, match="is no size of a card; give GiB such as"):
        hardware_with_vram(size)
