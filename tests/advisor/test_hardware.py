import sys
from types import SimpleNamespace

import pytest

from advisor import Gpu, Hardware, detect_hardware, hardware_with_vram


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


class FakeNvml:
    """The six calls of NVML that are used, for a driver with one card."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, driver=True, cards=1):
        self.driver, self.cards, self.open = driver, cards, 0

    def nvmlInit(self):
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetCount(self):
        return self.cards

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(total=24 * 2**30, free=20 * 2**30)

    def nvmlDeviceGetCudaComputeCapability(self, handle):
        return 8, 9

    def nvmlDeviceGetName(self, handle):
        return b"NVIDIA L4"


def test_a_card_is_read_and_nvml_is_closed_again(monkeypatch):
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    found = detect_hardware()
    assert found.gpus == (Gpu(name="NVIDIA L4", vram_gib=24.0, free_gib=20.0, compute_capability=8.9),)
    assert found.note == "NVML found 1 card."
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("nvml", "said"), [(FakeNvml(driver=False), "No NVIDIA driver"), (FakeNvml(cards=0), "no card")]
)
def test_without_a_driver_or_a_card_the_note_says_what_follows(monkeypatch, nvml, said):
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    found = detect_hardware()
    assert found.gpus == ()
    assert said in found.note and "planning for the CPU; pass --vram" in found.note
    assert nvml.open == 0
