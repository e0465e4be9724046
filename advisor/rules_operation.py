"""What the use says for and against each way to adapt: speed, cost, tenants, stage, room for one method, privacy."""

from __future__ import annotations

from .case import DPO, FULL, LORA, QLORA, C, Case, F, H, L, P, R, Verdict, figure, is_busy, must_be_fast
from .phrase import say


def speed(case: Case) -> Verdict | None:
    needs = case.needs
    if must_be_fast(needs):
        text = say(
            "Answers must come fast: every retrieved token is read again, a tuned model needs a short prompt"
        )
        need = "latency_sensitive" if needs.latency_sensitive else "latency_ms"
    elif is_busy(needs):
        text = say(
            "{queries:,.0f} questions a day: each of them pays for its whole prompt, a tuned model needs a short one",
            queries=needs.queries_per_day,
        )
        need = "queries_per_day"
    else:
        return None
    weights = {F: 1, R: -0.5, H: -0.5, L: -1.5}
    return Verdict(text=text, weights=weights, evidence="latency_tuning", need=need)


def cost(case: Case) -> Verdict | None:
    """Training costs once and saves with every question; without volume or haste it does not earn that back."""
    if not case.needs.cost_sensitive:
        return None
    if is_busy(case.needs) or must_be_fast(case.needs):
        return Verdict(
            text=say(
                "Cost counts, and a small tuned model with a short prompt is the cheapest for each question"
            ),
            weights={F: 0.5, R: -0.3, L: -1, C: -1, FULL: -1},
            evidence="latency_tuning",
            need="cost_sensitive",
        )
    return Verdict(
        text=say("Cost counts, and training costs first; prompting and retrieval start without it"),
        weights={P: 0.3, R: 0.3, L: -0.3, F: -0.3, H: -0.5, C: -1, FULL: -1},
        evidence="cost_upfront",
        need="cost_sensitive",
    )


def tenants(case: Case) -> Verdict | None:
    count = case.needs.tenants
    if count is None or count < figure("many_adapters"):
        return None
    return Verdict(
        text=say(
            "{count:,} tenants with a behaviour each: one base model holds a small adapter for each",
            count=count,
        ),
        weights={F: 1, H: 0.5, LORA: 1, QLORA: 0.5, DPO: 0.5, FULL: -3},
        evidence="many_adapters",
        need="tenants",
    )


def stage(case: Case) -> Verdict | None:
    if case.needs.stage == "prototype":
        return Verdict(
            text=say("A prototype has to stand soon, and what it shows decides on the rest"),
            weights={P: 1, R: 0.3, F: -1, H: -1, C: -2},
            evidence="few_labels",
            need="stage",
        )
    if case.needs.stage == "production":
        return Verdict(
            text=say("In production tuning for form often joins retrieval"),
            weights={H: 0.3, P: -0.3},
            evidence="production_both",
            need="stage",
        )
    return None


def one_method(case: Case) -> Verdict | None:
    if not case.needs.only_one_method:
        return None
    if case.needs.gap == "both":
        text = say(
            "There is room for one method only, though knowledge and behaviour are both missing: one stays missing"
        )
    else:
        text = say("There is room for one method only, so retrieval and training cannot be combined")
    return Verdict(text=text, weights={H: -3}, evidence="two_systems", need="only_one_method", vetoes=(H,))


def privacy(case: Case) -> Verdict | None:
    """Guides draw no direction from privacy alone; what speaks is that weights cannot be made to forget."""
    if case.needs.privacy in (None, "any"):
        return None
    return Verdict(
        text=say(
            "The data have to stay inside: an index can be locked and emptied, a trained model keeps what it saw"
        ),
        weights={R: 0.3, F: -0.3, H: -0.3, C: -0.5},
        evidence="memorised",
        need="privacy",
    )


def personal_data(case: Case) -> Verdict | None:
    found = sum(case.data.personal_data.values()) if case.data else 0
    if not found:
        return None
    return Verdict(
        text=say("Your files hold personal data, which a model that was trained on them can give away"),
        weights={F: -0.3, H: -0.3, C: -1},
        evidence="memorised",
        fact=say("{found:,} places with personal data", found=found),
    )
