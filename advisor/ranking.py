"""Scores each strategy and method with the rules, fits it to the machine, and orders the options."""

from __future__ import annotations

from .case import FULL, LORA, QLORA, Case, H, L, Verdict
from .catalog import evidence, threshold
from .fitting import Placement, lora_is_roomy, place
from .rules import RULES
from .schema import ModelSpec, Option, Reason, Strategy

_TUNED: tuple[tuple[Strategy, str], ...] = tuple(
    (strategy, method) for strategy in ("finetune", "hybrid") for method in ("lora", "qlora", "full")
)
OPTIONS: tuple[tuple[Strategy, str], ...] = (
    ("prompt_only", "none"),
    ("rag", "none"),
    ("long_context", "none"),
    *_TUNED,
    ("continued_pretraining", "lora"),
    ("continued_pretraining", "full"),
)
_MAY_BE_HOSTED = {
    "prompt_only",
    "rag",
}  # work with a server elsewhere, or quote the documents without any model


def rank(case: Case) -> tuple[Option, ...]:
    """Every option, best first, rejected ones last; ties keep the order of OPTIONS, which puts the simpler first."""
    verdicts = [(rule.__name__, verdict) for rule in RULES if (verdict := rule(case)) is not None]
    options = [_option(case, strategy, method, verdicts) for strategy, method in OPTIONS]
    return tuple(sorted(options, key=lambda option: (option.rejected is not None, -round(option.score, 6))))


def _option(case: Case, strategy: Strategy, method: str, verdicts: list[tuple[str, Verdict]]) -> Option:
    placed = place(case, strategy, method)
    reasons = [_reason(case, name, verdict, strategy, method) for name, verdict in verdicts]
    reasons += _fit_reasons(case, strategy, method, placed)
    score = sum(reason.weight for reason in reasons)
    strongest = sorted((r for r in reasons if r.weight), key=lambda reason: -abs(reason.weight))
    return Option(
        strategy=strategy,
        method=method,
        model=placed.model.name,
        score=round(score, 3),
        fits=placed.fits,
        train_memory=placed.train,
        serve_memory=placed.serve,
        reasons=tuple(reason for reason in strongest if reason.weight > 0),
        against=tuple(reason for reason in strongest if reason.weight < 0),
        rejected=_rejection(case, strategy, method, placed, verdicts),
        device=placed.device,
    )


def _reason(case: Case, name: str, verdict: Verdict, strategy: str, method: str) -> Reason:
    how = case.learned.get(verdict.need) if verdict.need else None
    return Reason(
        rule=name,
        text=f"{verdict.text} (read from your data: {how})." if how else f"{verdict.text}.",
        weight=verdict.weights.get(strategy, 0.0) + verdict.weights.get(method, 0.0),
        source=verdict.source,
    )


def _fit_reasons(case: Case, strategy: str, method: str, placed: Placement) -> list[Reason]:
    """What the machine says: QLoRA where LoRA is tight, LoRA where it is roomy, a smaller model where need be."""
    found = []
    if method in (LORA, QLORA):
        roomy = lora_is_roomy(case, strategy, _first_choice(case, strategy))
        found.append(_memory_reason(method, roomy, placed.model.kind))
    if method == FULL:
        found.append(
            _said(
                "full_cost",
                "Full tuning needs several times the memory and forgets more",
                -0.2,
                "lora_forgets_less",
            )
        )
    if placed.smaller:
        text = f"Only a smaller model, {placed.model.name.split('/')[-1]}, fits this machine"
        found.append(_said("smaller_model", text, -0.3, "qlora_memory"))
    if placed.fits is False and strategy in _MAY_BE_HOSTED:
        found.append(_said("needs_server", f"Not on this machine: {placed.why_not}", -0.3, "qlora_memory"))
    return found


def _memory_reason(method: str, roomy: bool | None, kind: str) -> Reason:
    if kind == "encoder":
        return _said(
            "encoder",
            "The encoder is small: nothing is gained by quantising it",
            0.3 if method == LORA else -1,
            "lora_speed",
        )
    if method == QLORA:  # the same on every card, so that more memory never makes an option worse
        text = "4-bit weights leave room for longer rows and larger batches"
        return _said("qlora_memory", text, 0.3, "qlora_memory")
    if roomy is None:
        return _said(
            "lora_speed",
            "LoRA trains faster where 16-bit weights fit; the card is not known",
            0.4,
            "lora_speed",
        )
    if roomy:
        text = "16-bit weights fit with room to spare, so quantising would only cost speed"
        return _said("lora_speed", text, 0.5, "lora_speed")
    text = "16-bit weights fill most of the card or exceed it"
    return _said("lora_is_tight", text, -0.2, "qlora_memory")


def _first_choice(case: Case, strategy: str) -> ModelSpec:
    from .fitting import candidates

    return candidates(case, strategy, LORA)[0][0]


def _said(rule: str, text: str, weight: float, key: str) -> Reason:
    return Reason(rule=rule, text=f"{text}.", weight=weight, source=evidence(key).cited)


def _rejection(
    case: Case, strategy: str, method: str, placed: Placement, verdicts: list[tuple[str, Verdict]]
) -> str | None:
    """Why an option cannot work at all, or None. A model elsewhere can stand in where only serving is needed."""
    lacks = None
    if placed.fits is False and strategy not in _MAY_BE_HOSTED and placed.why_not:
        lacks = f"{placed.why_not[:1].upper()}{placed.why_not[1:]}."
    for _, verdict in verdicts:
        if strategy in verdict.vetoes:
            return f"{verdict.text}." if lacks is None else f"{verdict.text}. {lacks}"
    if strategy == L and (why := _corpus_too_long(case, placed)):
        return why
    if strategy == H and case.data is not None and case.data.files == 0 and case.needs.gap is None:
        return "There are no documents to retrieve from."
    if lacks is not None:
        return lacks
    if method == QLORA and placed.model.kind == "encoder":
        return f"{placed.model.name.split('/')[-1]} is too small for quantisation to save anything."
    return None


def _corpus_too_long(case: Case, placed: Placement) -> str | None:
    tokens = case.needs.corpus_tokens
    window = placed.model.context_tokens
    limit = threshold("long_context")
    if tokens is None:
        return None
    if tokens > limit:
        return f"The documents hold about {tokens:,} tokens; a prompt takes about {limit:,.0f}."
    if window is not None and tokens > window:
        return f"The documents hold about {tokens:,} tokens; {placed.model.name.split('/')[-1]} reads {window:,}."
    return None
