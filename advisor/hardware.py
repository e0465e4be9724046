"""What this machine has: cards by NVML, memory, cores and disk by the operating system; what is unknown stays None."""

from __future__ import annotations

import logging
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

from .phrase import say
from .schema import Gpu, Hardware

logger = logging.getLogger(__name__)

GIB = 2.0**30
_ABSURD_GIB = 10_000  # no card comes near
_ABSURD_COUNT = 64


def detect_hardware(*, cards: bool = True) -> Hardware:
    """Reads cards, RAM, cores and free disk; `note` says in words what was found and what follows from it.

    `cards=False` leaves the cards out, which spares loading NVML where the user plans for another card anyway.
    """
    gpus, note = _nvidia_cards() if cards else ((), say("No card was looked for."))
    return Hardware(
        gpus=gpus,
        ram_gib=_ram_gib(),
        cpu_cores=_usable_cores(),
        disk_free_gib=_disk_free_gib(),
        note=note,
    )


def hardware_with_vram(vram_gib: float, hardware: Hardware | None = None, *, count: int = 1) -> Hardware:
    """The machine as it would be with cards of `vram_gib` each; ValueError for a size that no card has."""
    if not math.isfinite(vram_gib) or vram_gib <= 0 or vram_gib > _ABSURD_GIB:
        raise ValueError(
            f"VRAM of {vram_gib:g} GiB is no size of a card; give GiB such as 8, 16, 24 or 80, or leave it out."
        )
    card = Gpu(name=f"a card with {vram_gib:g} GiB", vram_gib=float(vram_gib))
    one = say(
        "Planned for one card with {vram_gib:g} GiB, as you asked; this machine's own cards are ignored.",
        vram_gib=vram_gib,
    )
    many = say(
        "Planned for {count} cards with {vram_gib:g} GiB each, as you asked; this machine's own cards are ignored.",
        count=count,
        vram_gib=vram_gib,
    )
    return _planned(card, count, one if count == 1 else many, hardware)


def hardware_with_card(card: Gpu, hardware: Hardware | None = None, *, count: int = 1) -> Hardware:
    """The machine as it would be with cards of this kind."""
    note = say(
        "Planned for {count} × {name} ({vram_gib:.3g} GiB), as you asked; this machine's own cards are ignored.",
        count=count,
        name=card.name,
        vram_gib=card.vram_gib,
    )
    return _planned(card, count, note, hardware)


def _planned(card: Gpu, count: int, note: str, hardware: Hardware | None) -> Hardware:
    if not 1 <= count <= _ABSURD_COUNT:
        raise ValueError(f"{count} cards make no machine; give a number from 1 to {_ABSURD_COUNT}.")
    return replace(hardware or Hardware(), gpus=(card,) * count, note=note)


def _nvidia_cards() -> tuple[tuple[Gpu, ...], str]:
    """Cards and a sentence; NVML comes with the driver, so its absence means that no NVIDIA card can be used."""
    try:
        import pynvml
    except ImportError:
        return (), say("nvidia-ml-py is not installed, so no card was looked for: pip install nvidia-ml-py")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        logger.debug("NVML: %s", error)
        return (), say("No NVIDIA driver found: planning for the CPU; pass --vram to plan for a card.")
    try:
        cards = tuple(_card(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        return (), say(
            "The NVIDIA driver answered with an error ({error}): planning for the CPU; pass --vram for a card.",
            error=str(error),
        )
    finally:
        pynvml.nvmlShutdown()
    if not cards:
        return (), say(
            "The NVIDIA driver lists no card: planning for the CPU; pass --vram to plan for a card."
        )
    return cards, (
        say("NVML found 1 card.") if len(cards) == 1 else say("NVML found {count} cards.", count=len(cards))
    )


def _card(pynvml: object, index: int) -> Gpu:
    nvml: object = pynvml
    handle = nvml.nvmlDeviceGetHandleByIndex(index)  # type: ignore[attr-defined]
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)  # type: ignore[attr-defined]
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)  # type: ignore[attr-defined]
    name = nvml.nvmlDeviceGetName(handle)  # type: ignore[attr-defined]
    return Gpu(
        name=name.decode() if isinstance(name, bytes) else str(name),
        vram_gib=memory.total / GIB,
        free_gib=memory.free / GIB,
        compute_capability=major + minor / 10,
    )


def _ram_gib() -> float | None:
    """Installed memory, or the smaller limit that a container sets. macOS and Linux have sysconf; Windows does not."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (AttributeError, ValueError, OSError):
        return None
    return min(total, _container_limit_gib() or total) if total > 0 else None


def _container_limit_gib() -> float | None:
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(name).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            return int(text) / GIB
    return None


def _usable_cores() -> int | None:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count()


def _disk_free_gib() -> float | None:
    try:
        return shutil.disk_usage(Path.cwd()).free / GIB
    except OSError:
        return None
