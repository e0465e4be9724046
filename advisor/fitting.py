"""Which model an option would use on this machine, what training and serving it takes, and whether that fits.

What an option takes does not depend on the machine: it is worked out once as a ladder of rungs, best first, and a
machine takes the first rung that it can hold. Asking about another size of card costs a comparison per rung.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from .memory import estimate_memory
from .phrase import Phrase, say
from .runs import Device, Work, candidates, roomy_setup, serve_setups, train_setups
from .schema import Hardware, MemoryEstimate, ModelSpec, ServeSetup, TrainSetup

# On a CPU what fits is also a matter of patience: one step of a larger model takes minutes.
_CPU_TRAIN_B, _CPU_SERVE_B = 0.6, 2.0
_CPU_SHARE = 0.7  # of the RAM; the rest belongs to the system


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to run an option."""

    model: ModelSpec
    device: Device
    cards: int
    setup: TrainSetup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A plan with its memory. `train_gib` and `serve_gib` must be there on each card (or in RAM)."""

    model: ModelSpec
    device: Device
    cards: int
    setup: TrainSetup | None
    train: MemoryEstimate | None
    whole: MemoryEstimate  # serving with 16-bit weights
    small: MemoryEstimate  # serving with 4-bit weights
    train_gib: float
    serve_gib: float  # what the smaller of the two ways to serve needs

    @property
    def params_b(self) -> float:
        return self.model.params_b or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One option on one machine; `fits` is None where nothing is known about the machine."""

    model: ModelSpec
    setup: TrainSetup | None
    train: MemoryEstimate | None
    serve: MemoryEstimate
    fits: bool | None
    device: Device | None
    cards: int = 1
    smaller: bool = False  # the first choice did not fit, this one does
    why_not: Phrase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What of the hardware decides on fitting: cards alike, the smallest of them, and the RAM of a CPU."""

    vram_gib: float
    cards: int
    ram_gib: float


def machine_of(hardware: Hardware | None) -> Machine | None:
    """Several cards count together only where they are alike within a tenth; else the largest one stands alone."""
    if hardware is None:
        return None
    largest = hardware.vram_gib
    alike = [gpu.vram_gib for gpu in hardware.gpus if gpu.vram_gib >= 0.9 * largest]
    ram_gib = (hardware.ram_gib or 0.0) * _CPU_SHARE
    return Machine(vram_gib=min(alike, default=0.0), cards=len(alike), ram_gib=ram_gib)


def place(work: Work, machine: Machine | None, strategy: str, method: str) -> Placement:
    """The first rung that the machine holds; else the first one with what it lacks."""
    ways = plans(work, strategy, method, max(1, machine.cards) if machine else 1)
    first = measured(work, strategy, method, ways[0])
    if machine is None:
        return _placed(first, fits=None)
    for plan in ways:
        rung = measured(work, strategy, method, plan)
        if not _lacks(rung, machine):
            return _on(rung, machine, smaller=plan.model != ways[0].model)
    alike = [plan for plan in ways if plan.model == ways[0].model and plan.device == ways[0].device]
    frugal = measured(work, strategy, method, alike[-1])
    return replace(_placed(first, fits=False), why_not=_why_not(frugal, machine))


def _placed(rung: Rung, fits: bool | None) -> Placement:
    return Placement(
        model=rung.model,
        setup=rung.setup,
        train=rung.train,
        serve=rung.whole if fits is None else rung.small,
        fits=fits,
        device=None,
        cards=rung.cards,
    )


def _on(rung: Rung, machine: Machine, *, smaller: bool) -> Placement:
    room = machine.vram_gib * machine.cards if rung.device == "gpu" else machine.ram_gib
    whole = rung.device == "cpu" or rung.whole.high_gib <= room
    placed = _placed(rung, fits=True)
    return replace(placed, serve=rung.whole if whole else rung.small, device=rung.device, smaller=smaller)


@lru_cache(maxsize=2048)
def plans(work: Work, strategy: str, method: str, cards: int) -> tuple[Plan, ...]:
    """Every way to run an option, best first: one card before several, the larger model before the smaller."""
    found = []
    for model, device in candidates(work, strategy, method):
        setups: tuple[TrainSetup | None, ...] = train_setups(work, model, strategy, method) or (None,)
        for count in dict.fromkeys((1, cards if device == "gpu" else 1)):
            found += [Plan(model, device, count, _shared_out(setup, count)) for setup in setups]
    return tuple(found)


def _shared_out(setup: TrainSetup | None, cards: int) -> TrainSetup | None:
    """On several cards weights, gradients and states are shared out (ZeRO-3 or FSDP)."""
    return setup if setup is None or cards == 1 else replace(setup, gpus=cards, sharding="zero3")


@lru_cache(maxsize=4096)
def measured(work: Work, strategy: str, method: str, plan: Plan) -> Rung:
    """A plan with the memory that it takes."""
    whole, small = (_estimated(plan.model, setup) for setup in serve_setups(work, strategy, method))
    train = None if plan.setup is None else _estimated(plan.model, plan.setup)
    serving = [_need_gib(whole, plan.device)] + ([_need_gib(small, "gpu")] if plan.device == "gpu" else [])
    return Rung(
        model=plan.model,
        device=plan.device,
        cards=plan.cards,
        setup=plan.setup,
        train=train,
        whole=whole,
        small=small,
        train_gib=0.0 if train is None else _need_gib(train, plan.device),
        serve_gib=min(serving),
    )


def _need_gib(memory: MemoryEstimate, device: Device) -> float:
    """What has to be there: the upper end of the interval on a card; the tensors alone in RAM."""
    return memory.high_gib if device == "gpu" else memory.reserved_gib


def _lacks(rung: Rung, machine: Machine) -> bool:
    if rung.device == "cpu":
        too_slow = rung.params_b > (_CPU_SERVE_B if rung.train is None else _CPU_TRAIN_B)
        return too_slow or max(rung.train_gib, rung.serve_gib) > machine.ram_gib
    if rung.cards > machine.cards:
        return True
    serving = machine.vram_gib * machine.cards  # whole layers lie on one card or another
    return rung.train_gib > machine.vram_gib or rung.serve_gib > serving


def _why_not(rung: Rung, machine: Machine) -> Phrase:
    """What the most frugal way to run the first choice lacks."""
    name = rung.model.name.split("/")[-1]
    if not machine.cards:
        if rung.params_b > (_CPU_SERVE_B if rung.train is None else _CPU_TRAIN_B):
            if rung.train is None:
                return say("there is no card, and a CPU is too slow to serve {model}", model=name)
            return say("there is no card, and a CPU is too slow to train {model}", model=name)
        return say("there is no card, and the RAM is too small for {model}", model=name)
    if rung.train is not None and rung.train_gib > machine.vram_gib:
        return _needs(say("training"), name, rung.train, machine)
    return _needs(say("serving"), name, rung.small, machine)


def _needs(work: Phrase, name: str, memory: MemoryEstimate, machine: Machine) -> Phrase:
    holder = (
        say("the card has {vram:g} GiB", vram=round(machine.vram_gib, 1))
        if machine.cards == 1
        else say(
            "each of {cards} cards has {vram:g} GiB", cards=machine.cards, vram=round(machine.vram_gib, 1)
        )
    )
    return say(
        "{work} {model} needs {gib:.1f} GiB ({low:.1f} to {high:.1f}), {holder}",
        work=work,
        model=name,
        gib=memory.device_gib,
        low=memory.low_gib,
        high=memory.high_gib,
        holder=holder,
    )


@lru_cache(maxsize=1024)
def lora_roomy_gib(work: Work, strategy: str) -> float:
    """GiB of one card from which LoRA of the first choice has room to spare."""
    model = candidates(work, strategy, "lora")[0][0]
    return _estimated(model, roomy_setup(work, model, strategy)).high_gib


@lru_cache(maxsize=4096)
def _estimated(model: ModelSpec, setup: TrainSetup | ServeSetup) -> MemoryEstimate:
    return estimate_memory(model, setup)
