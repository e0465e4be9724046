"""What task, examples and limits of training say for and against each way to adapt."""

from __future__ import annotations

from collections.abc import Mapping

from .case import FULL, LORA, QLORA, C, Case, F, H, L, P, R, Verdict
from .catalog import threshold


def style(case: Case) -> Verdict | None:
    wanted = case.needs.style_or_format_task
    if wanted is None:
        return None
    return Verdict(
        text="A set style, tone or format is wanted" if wanted else "No particular style or format is wanted",
        weights={F: 2, H: 1, R: -0.5, P: -0.5} if wanted else {F: -0.5, H: -0.3},
        evidence="behaviour_tuning",
        need="style_or_format_task",
    )


def domain_language(case: Case) -> Verdict | None:
    if not case.needs.domain_language:
        return None
    return Verdict(
        text="The field has a language and logic of its own, which guides teach by training (others disagree)",
        weights={F: 1.5, H: 1.5, C: 0.5},
        evidence="domain_language",
        need="domain_language",
    )


_TASK_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "classification": {F: 2, R: -0.5, L: -0.5},
    "extraction": {F: 1, H: 0.3},
    "structured_output": {F: 1, H: 0.3},
    "nl_to_query": {F: 0.7, H: 0.5},
    "code_completion": {F: 1.5, H: 0.3},
    "translation": {F: 1.2, H: 0.2},
    "style": {F: 2, H: 0.5, R: -0.5},
    "report_generation": {F: 0.5, H: 0.5},
    "qa": {R: 0.5, L: 0.3, H: 0.3},
    "summarization": {P: 0.5, F: 0.2},
    "dialogue": {P: 0.2, R: 0.2},
}


def task(case: Case) -> Verdict | None:
    name = case.needs.task
    if name is None:
        return None
    return Verdict(
        text=f"The task is {name.replace('_', ' ')}",
        weights=_TASK_WEIGHTS[name],
        evidence={"classification": "small_classifier", "qa": "knowledge_rag"}.get(name, "task_shape"),
        need="task",
    )


def labels(case: Case) -> Verdict | None:
    rows = case.needs.labelled_examples
    if rows is None:
        return None
    few, viable, enough = (threshold("labels", name) for name in ("too_few", "value", "enough"))
    if rows >= enough:
        said, weights = "enough for training to pay", {F: 1.5, H: 1.2}
    elif rows >= viable:
        said, weights = "enough for training to be viable", {F: 1.0, H: 0.8}
    elif rows >= few:
        said, weights = "few for training", {F: -0.5, H: -0.4}
    else:
        said, weights = "too few for training", {F: -2.5, H: -2.0}
    return Verdict(
        text=f"{rows:,} labelled examples are {said}",
        weights=weights,
        evidence="labels",
        need="labelled_examples",
    )


def speed(case: Case) -> Verdict | None:
    busy = (case.needs.queries_per_day or 0) >= threshold("latency_tuning")
    if not (case.needs.latency_sensitive or busy):
        return None
    said = (
        "Answers must come fast"
        if case.needs.latency_sensitive
        else f"{case.needs.queries_per_day:,.0f} queries a day"
    )
    return Verdict(
        text=f"{said}: every retrieved token is read again for each question, a tuned model needs a short prompt",
        weights={F: 1, R: -0.4, H: -0.4, L: -1.5},
        evidence="latency_tuning",
        need="latency_sensitive" if case.needs.latency_sensitive else "queries_per_day",
    )


def long_instructions(case: Case) -> Verdict | None:
    if case.needs.instructions_fit_prompt is not False:
        return None
    return Verdict(
        text="The instructions do not fit into a prompt, so the behaviour has to go into the weights",
        weights={F: 2, H: 1, P: -3, L: -2},
        evidence="behaviour_tuning",
        need="instructions_fit_prompt",
    )


def training_constraint(case: Case) -> Verdict | None:
    limit = case.needs.constraint
    if limit is None:
        return None
    memory = limit in ("gpu_memory", "sequence_length", "batch_size")
    said = limit.replace("_", " ").replace("gpu", "GPU")
    return Verdict(
        text=f"What limits the training is {said}",
        weights={F: 2, H: 1, **({QLORA: 1.5, FULL: -1} if memory else {LORA: 1.5, FULL: -1})},
        evidence="qlora_memory" if memory else "lora_speed",
        need="constraint",
    )


def behaviour_shift(case: Case) -> Verdict | None:
    if not case.needs.large_behaviour_shift:
        return None
    return Verdict(
        text="The behaviour has to change far, where full fine-tuning learns more than adapters",
        weights={FULL: 2.4, F: 0.5},
        evidence="lora_forgets_less",
        need="large_behaviour_shift",
    )


def keep_base(case: Case) -> Verdict | None:
    if not case.needs.preserve_base:
        return None
    return Verdict(
        text="What the model can do today must not suffer, and adapters forget less",
        weights={FULL: -1.5, LORA: 0.2, QLORA: 0.2, C: -1, R: 0.3},
        evidence="lora_forgets_less",
        need="preserve_base",
    )
