"""OPTIONS: every way to adapt that is weighed, and the measured outcomes that speak about each of them."""

from __future__ import annotations

from functools import cache

from .case import DPO, FEATURES, FULL, KTO, LORA, OUTPUT_LAYER, QLORA, Case
from .catalog import all_evidence
from .rules_training import thumbs_given
from .schema import Evidence, Strategy

Way = tuple[Strategy, str]

# The simpler way first: where points are equal this order decides.
OPTIONS: tuple[Way, ...] = (
    ("prompt_only", "none"),
    ("rag", "none"),
    ("long_context", "none"),
    *(("finetune", method) for method in (LORA, QLORA, FULL)),
    *(("hybrid", method) for method in (LORA, QLORA, FULL)),
    ("continued_pretraining", LORA),
    ("continued_pretraining", FULL),
)  # fmt: skip
_OF_ENCODERS: tuple[Way, ...] = (("finetune", FEATURES), ("finetune", OUTPUT_LAYER))

_MOST_CLAIMS = 8  # beside one option


def options_for(case: Case) -> tuple[Way, ...]:
    """OPTIONS, and those that some data alone makes sense of: labels for an encoder, preferences."""
    ways = OPTIONS
    if case.needs.task == "classification" and (case.model is None or case.model.kind == "encoder"):
        ways += _OF_ENCODERS
    if case.needs.preference_pairs:
        ways += (("finetune", DPO),)
    if thumbs_given(case):
        ways += (("finetune", KTO),)
    return ways


@cache
def measured(strategy: str, method: str) -> tuple[Evidence, ...]:
    """Published outcomes that speak on a strategy, then on its method; counts of guides stand with the reasons."""
    rows = [row for row in all_evidence() if not row.source.startswith("count over")]
    on_strategy = [row for row in rows if strategy in row.about]
    on_method = [row for row in rows if method in row.about and row not in on_strategy]
    half = _MOST_CLAIMS // 2
    room = _MOST_CLAIMS - min(half, len(on_method))
    return (*on_strategy[:room], *on_method[: _MOST_CLAIMS - min(room, len(on_strategy))])
