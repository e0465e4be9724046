"""What task, examples and limits of training say for and against each way to adapt."""

from __future__ import annotations

from collections.abc import Mapping

from .case import (
    DPO,
    FEATURES,
    FULL,
    KTO,
    LORA,
    OUTPUT_LAYER,
    QLORA,
    C,
    Case,
    F,
    H,
    L,
    P,
    R,
    Verdict,
    figure,
)
from .phrase import say
from .schema import Needs

_TASKS: Mapping[str, Mapping[str, float]] = {
    "classification": {F: 2, R: -0.5, L: -0.5},
    "extraction": {F: 1, H: 0.3},
    "structured_output": {F: 1, H: 0.3},
    "nl_to_query": {F: 1, H: 0.5},
    "code_completion": {F: 1.5, H: 0.3},
    "translation": {F: 1, H: 0.3},
    "style": {F: 2, H: 0.5, R: -0.5},
    "report_generation": {F: 0.5, H: 0.5},
    "qa": {R: 0.5, L: 0.3, H: 0.3},
    "summarization": {P: 0.5, F: 0.3},
    "dialogue": {P: 0.3, R: 0.3},
}
_TASK_NAMES = {
    "qa": say("answering questions"),
    "classification": say("classifying texts"),
    "extraction": say("extracting facts"),
    "summarization": say("summarising"),
    "report_generation": say("writing reports"),
    "nl_to_query": say("turning questions into queries"),
    "code_completion": say("completing code"),
    "structured_output": say("giving structured output"),
    "translation": say("translating"),
    "dialogue": say("holding a conversation"),
    "style": say("writing in a given style"),
}
_LIMITS = {
    "gpu_memory": say("GPU memory"),
    "sequence_length": say("the length of the rows"),
    "batch_size": say("the size of the batch"),
    "training_speed": say("its speed"),
    "training_cost": say("its cost"),
}
_TASK_EVIDENCE = {"classification": "small_classifier", "qa": "knowledge_rag"}
# What a model is to do or lacks. Who answers none of these but names a size of model or a limit of training asks how.
_PROBLEM = (
    "task", "gap", "style_or_format_task", "domain_language", "instructions_fit_prompt", "corpus_tokens",
    "corpus_growing", "update_days", "needs_citations", "per_document_access", "long_tail_knowledge",
    "retrieval_noisy", "prompting_tried", "prompting_sufficient", "rag_tried", "rag_sufficient",
)  # fmt: skip
_TRAINING = ("constraint", "model_params_b", "large_behaviour_shift", "preserve_base", "preference_pairs")


def style(case: Case) -> Verdict | None:
    wanted = case.needs.style_or_format_task
    if wanted is None:
        return None
    if wanted:
        text, weights = say("A set style, tone or format is wanted"), {F: 2, H: 1.5, R: -0.5, P: -0.5}
    else:
        text, weights = say("No particular style or format is wanted"), {F: -0.5, H: -0.3}
    return Verdict(text=text, weights=weights, evidence="behaviour_tuning", need="style_or_format_task")


def domain_language(case: Case) -> Verdict | None:
    if not case.needs.domain_language:
        return None
    return Verdict(
        text=say(
            "The field has a language and logic of its own, which guides teach by training (others disagree)"
        ),
        weights={F: 1.5, H: 1.5, C: 0.5, R: -0.5},
        evidence="domain_language",
        need="domain_language",
    )


def task(case: Case) -> Verdict | None:
    name = case.needs.task
    if name is None:
        return None
    return Verdict(
        text=say("The task is {task}", task=_TASK_NAMES[name]),
        weights=_TASKS[name],
        evidence=_TASK_EVIDENCE.get(name, "task_shape"),
        need="task",
    )


def labels(case: Case) -> Verdict | None:
    """Rows that can be trained on; of a preference pair the better answer can."""
    rows = case.needs.labelled_examples
    if rows is None:
        return None
    rows += case.needs.preference_pairs or 0
    few, viable, enough = (figure("labels", name) for name in ("too_few", "value", "enough"))
    key = "labels"
    if rows >= enough:
        text = say("{rows:,} labelled examples are enough for training to pay", rows=rows)
        weights = {F: 1.5, H: 1.0}
    elif rows >= viable:
        text = say("{rows:,} labelled examples are enough for training to be viable", rows=rows)
        weights = {F: 1.0, H: 0.5}
    elif rows >= few:
        text = say("{rows:,} labelled examples are few for training", rows=rows)
        weights = {F: -0.5, H: -0.5}
    else:
        text = say("{rows:,} labelled examples are too few for training; a prompt can show them", rows=rows)
        weights, key = {F: -5, H: -3, P: 1}, "few_labels"
    return Verdict(text=text, weights=weights, evidence=key, need="labelled_examples")


def small_classifier(case: Case) -> Verdict | None:
    """How much of an encoder to train follows from how many labels there are."""
    rows = case.needs.labelled_examples
    if case.needs.task != "classification" or rows is None:
        return None
    if rows < figure("labels"):
        text = say("With {rows:,} labels frozen features are less prone to fit them by heart", rows=rows)
        weights = {FEATURES: 1.0, OUTPUT_LAYER: 0.5}
    else:
        text = say("With {rows:,} labels training more than the output layer classifies better", rows=rows)
        weights = {FEATURES: -0.5, OUTPUT_LAYER: -0.5}
    return Verdict(text=text, weights=weights, evidence="small_classifier", need="labelled_examples")


def preferences(case: Case) -> Verdict | None:
    pairs = case.needs.preference_pairs
    if not pairs:
        return None
    if pairs < figure("preference_pairs"):
        text = say(
            "{pairs:,} preference pairs are few to train on; their better answers count as examples",
            pairs=pairs,
        )
        weights: dict[str, float] = {DPO: -0.5}
    else:
        text = say(
            "{pairs:,} preference pairs teach which of two answers is better, as a stage on top of examples",
            pairs=pairs,
        )
        weights = {F: 1, H: 0.3, DPO: 2}
    return Verdict(text=text, weights=weights, evidence="preference_pairs", need="preference_pairs")


def thumbs(case: Case) -> Verdict | None:
    rows = thumbs_given(case)
    if not rows:
        return None
    enough = rows >= figure("preference_pairs")
    return Verdict(
        text=say("{rows:,} answers are marked good or bad, which KTO learns from without pairs", rows=rows),
        weights={F: 1, KTO: 2} if enough else {KTO: -0.5},
        evidence="thumbs",
        fact=say("{rows:,} marked answers", rows=rows),
    )


def thumbs_given(case: Case) -> int:
    """Rows of the examples that mark single answers as good or bad."""
    rows = case.data.examples if case.data else None
    return rows.rows if rows is not None and rows.layout == "thumbs" else 0


def long_instructions(case: Case) -> Verdict | None:
    if case.needs.instructions_fit_prompt is not False:
        return None
    return Verdict(
        text=say("The instructions do not fit into a prompt, so the behaviour has to go into the weights"),
        weights={F: 2, H: 1, P: -3, L: -2},
        evidence="behaviour_tuning",
        need="instructions_fit_prompt",
    )


def only_training_asked(case: Case) -> Verdict | None:
    """Sizes, limits and side effects of training concern who has decided to train; the question left is how."""
    asked = next((key for key in _TRAINING if getattr(case.needs, key)), None)
    if asked is None or case.data is not None or _problem_told(case.needs):
        return None
    return Verdict(
        text=say(
            "You told about training and nothing about the problem, so the question seems to be how to train"
        ),
        weights={F: 1.5, H: 0.5},
        evidence="method_question",
        need=asked,
    )


def _problem_told(needs: Needs) -> bool:
    return any(getattr(needs, key) is not None for key in _PROBLEM)


def training_constraint(case: Case) -> Verdict | None:
    limit = case.needs.constraint
    if limit is None:
        return None
    memory = limit in ("gpu_memory", "sequence_length", "batch_size")
    return Verdict(
        text=say("What limits the training is {limit}", limit=_LIMITS[limit]),
        weights={F: 1, H: 0.5, FULL: -1, (QLORA if memory else LORA): 1.5},
        evidence="qlora_memory" if memory else "lora_speed",
        need="constraint",
    )


def behaviour_shift(case: Case) -> Verdict | None:
    if not case.needs.large_behaviour_shift:
        return None
    return Verdict(
        text=say("The behaviour has to change far, where full fine-tuning learns more than adapters"),
        weights={FULL: 3, F: 0.5},
        evidence="lora_forgets_less",
        need="large_behaviour_shift",
    )


def keep_base(case: Case) -> Verdict | None:
    if not case.needs.preserve_base:
        return None
    return Verdict(
        text=say("What the model can do today must not suffer, and adapters forget less"),
        weights={FULL: -3, LORA: 0.3, QLORA: 0.3, C: -1, R: 0.3},
        evidence="lora_forgets_less",
        need="preserve_base",
    )
