"""What the machine says for and against an option, and why an option cannot work on it at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from .case import DPO, FULL, KTO, LORA, QLORA, C, Case, F, H, L, P, R, Verdict, figure, stays_inside
from .fitting import Machine, Placement, lora_roomy_gib, machine_of, place
from .phrase import Phrase, say
from .runs import Work, with_documents, work_of

# Work with a server elsewhere; retrieval quotes the documents even without any model.
_MAY_BE_HOSTED = (P, R, L)


@dataclass(frozen=True, slots=True)
class Fit:
    """A way on a machine: where it goes, what the machine says about it, and the points of that."""

    placed: Placement
    verdicts: tuple[tuple[str, Verdict], ...]
    points: float


@dataclass(frozen=True, slots=True)
class Bench:
    """All ways on one machine, each worked out when it is first asked for."""

    work: Work
    machine: Machine | None
    known: dict[tuple[str, str, int | None], Fit] = field(default_factory=dict)

    def fit(self, strategy: str, method: str, corpus_tokens: int | None) -> Fit:
        """`corpus_tokens` matter to long context alone."""
        key = (strategy, method, corpus_tokens if strategy == L else None)
        found = self.known.get(key)
        if found is None:
            work = with_documents(self.work, corpus_tokens) if strategy == L else self.work
            placed = place(work, self.machine, strategy, method)
            verdicts = _verdicts(work, self.machine, strategy, method, placed)
            found = Fit(placed, verdicts, sum(verdict.weights[""] for _, verdict in verdicts))
            self.known[key] = found
        return found


@lru_cache(maxsize=512)
def bench(work: Work, machine: Machine | None) -> Bench:
    """The same bench for the same work and machine."""
    return Bench(work, machine)


def _verdicts(
    work: Work, machine: Machine | None, strategy: str, method: str, placed: Placement
) -> tuple[tuple[str, Verdict], ...]:
    """QLoRA where LoRA is tight, LoRA where it is roomy, a smaller model where need be; with the rule's name."""
    found = []
    encoder = placed.model.kind == "encoder"
    if method in (LORA, QLORA):
        found.append(_encoder(method) if encoder else _adapter(work, machine, strategy, method))
    if method == FULL and strategy == C:
        found.append(("full_pretraining", _said(_DEEP, 1.0, "lora_forgets_less", machine)))
    if method == FULL and not encoder:
        found.append(("full_cost", _said(_DEAR, -0.5, "lora_forgets_less", machine)))
    if placed.train is not None and placed.cards > 1:
        text = say(
            "One card is too small: weights and states are shared out over {cards} cards", cards=placed.cards
        )
        found.append(("shared_out", _said(text, -0.3, "two_systems", machine)))
    if placed.smaller:
        text = say("Only a smaller model, {model}, fits this machine", model=placed.model.name.split("/")[-1])
        found.append(("smaller_model", _said(text, -0.3, "qlora_memory", machine)))
    if placed.fits and work.corpus_tokens:  # where an API would keep the long prompt in its cache
        found.append(("read_again", _said(_REREAD, -0.3, "long_context_measured", machine)))
    if placed.fits is False and strategy in _MAY_BE_HOSTED and placed.why_not:
        text = say("Not on this machine: {why}", why=placed.why_not)
        found.append(("needs_server", _said(text, -0.3, "qlora_memory", machine)))
    return tuple(found)


_DEAR = say("Full tuning needs several times the memory and forgets more")
_REREAD = say("On your own machine each question reads all documents again")
_DEEP = say("Continued pretraining changes more than adapters of a low rank hold")


def _adapter(work: Work, machine: Machine | None, strategy: str, method: str) -> tuple[str, Verdict]:
    if method == QLORA:  # the same on every card, so that more memory never makes an option worse
        text = say("4-bit weights leave room for longer rows and larger batches")
        return "qlora_memory", _said(text, 0.3, "qlora_memory", machine)
    if machine is None or not machine.cards:
        text = say("LoRA trains faster where 16-bit weights fit; the card is not known")
        return "lora_speed", _said(text, 0.5, "lora_speed", machine)
    if lora_roomy_gib(work, strategy) <= machine.vram_gib:
        text = say("16-bit weights fit with room to spare, so quantising would only cost speed")
        return "lora_speed", _said(text, 0.5, "lora_speed", machine)
    text = say("16-bit weights fill most of the card or exceed it")
    return "lora_is_tight", _said(text, -0.3, "qlora_memory", machine)


def _encoder(method: str) -> tuple[str, Verdict]:
    text = say("The encoder is small: nothing is gained by quantising it")
    return "encoder", _said(text, 0.3 if method == LORA else -1, "lora_speed", None)


def _said(text: Phrase, weight: float, key: str, machine: Machine | None) -> Verdict:
    return Verdict(text=text, weights={"": weight}, evidence=key, fact=machine_fact(machine))


def bench_of(case: Case) -> Bench:
    return bench(work_of(case), machine_of(case.hardware))


def cards_of(case: Case, strategy: str, method: str) -> int:
    """On how many cards a way would train."""
    return bench_of(case).fit(strategy, method, case.needs.corpus_tokens).placed.cards


def machine_fact(machine: Machine | None) -> Phrase:
    if machine is None:
        return say("the machine is not known")
    if not machine.cards:
        return say("{ram:.0f} GiB of RAM to use, no card", ram=machine.ram_gib)
    if machine.cards == 1:
        return say("a card of {vram:g} GiB", vram=round(machine.vram_gib, 1))
    return say("{cards} cards of {vram:g} GiB", cards=machine.cards, vram=round(machine.vram_gib, 1))


def cannot_work(case: Case, strategy: str, method: str, placed: Placement) -> Phrase | None:
    """Why the option cannot work on this machine or with these documents; rules have their vetoes besides."""
    if strategy == L and (why := _too_long_to_read(case, placed)):
        return why
    if strategy == H and case.data is not None and case.data.files == 0 and case.needs.gap is None:
        return say("There are no documents to retrieve from.")
    if placed.model.kind == "encoder" and (why := _no_encoder(case, strategy, method, placed)):
        return why
    return _does_not_fit(case, strategy, placed)


def _no_encoder(case: Case, strategy: str, method: str, placed: Placement) -> Phrase | None:
    """An encoder labels texts; retrieval alone can quote without a model that writes."""
    name = placed.model.name.split("/")[-1]
    labels = strategy == F and case.needs.task in (None, "classification") and method not in (DPO, KTO)
    if not labels and strategy != R:
        return say("{model} is an encoder: it labels texts and writes no answers.", model=name)
    if method == QLORA:
        return say("{model} is too small for quantisation to save anything.", model=name)
    return None


def _does_not_fit(case: Case, strategy: str, placed: Placement) -> Phrase | None:
    if placed.fits is not False or placed.why_not is None or strategy == R:
        return None
    if strategy not in _MAY_BE_HOSTED:
        return say("On this machine it cannot be done: {why}.", why=placed.why_not)
    if stays_inside(case.needs):
        return say("The data may not leave the own machines, and {why}.", why=placed.why_not)
    return None


def _too_long_to_read(case: Case, placed: Placement) -> Phrase | None:
    tokens, window = case.needs.corpus_tokens, placed.model.context_tokens
    if tokens is None:
        return None
    limit = figure("long_context")
    if tokens > limit:
        return say(
            "The documents hold about {tokens:,} tokens; a prompt takes about {limit:,.0f}.",
            tokens=tokens,
            limit=limit,
        )
    bound = case.model is not None or stays_inside(case.needs)
    if bound and window is not None and tokens > window:
        return say(
            "The documents hold about {tokens:,} tokens; {model} reads {window:,}.",
            tokens=tokens,
            model=placed.model.name.split("/")[-1],
            window=window,
        )
    return None
