"""How many processes a launcher (torchrun, accelerate) started for one run, and which of them this one is."""

from __future__ import annotations

import os

# What both launchers set for each process that they start; together they say that it is one of several.
NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR")


class Elsewhere(ValueError):
    """Another process of the run failed, and says why; this one ends with it and says nothing."""


def count() -> int:
    """1 for a program that no launcher started."""
    launched = all(name in os.environ for name in NAMES)
    return int(os.environ["WORLD_SIZE"]) if launched else 1


def place() -> int:
    """From 0; the process at 0 writes the files and talks to the person."""
    return int(os.environ["RANK"]) if count() > 1 else 0


def is_first() -> bool:
    return place() == 0


def leads_its_machine() -> bool:
    """Whether this process is the one of its machine that tells of mistakes which all of them find."""
    return count() == 1 or os.environ["LOCAL_RANK"] == "0"


def is_sharded() -> bool:
    """Whether the launcher asked for FSDP: `accelerate launch --use_fsdp`, or a file of its settings; under torchrun
    FSDP_VERSION=2 in the environment does."""
    return count() > 1 and "FSDP_VERSION" in os.environ


def speaks(mistake: BaseException) -> bool:
    """Whether this process is the one to tell a person of a mistake, so that it is told once."""
    if isinstance(mistake, Elsewhere):
        return False
    return leads_its_machine() or bool(getattr(mistake, "found_here_alone", False))
