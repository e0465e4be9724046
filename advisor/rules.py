"""RULES: what each answered question says for and against each way to adapt; small pure functions of a Case.

A rule speaks only about what it knows: it returns None where its question is unanswered. Weights are in points: 1 tips
an otherwise even choice, 3 decides it unless something equally strong stands against it. The gate order of the guides
is kept by vetoes: freshness and citations rule out tuning alone, whatever the points say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .catalog import evidence, threshold
from .schema import DataProfile, Hardware, Needs

P, L, R, F, C, H = "prompt_only", "long_context", "rag", "finetune", "continued_pretraining", "hybrid"
LORA, QLORA, FULL = "lora", "qlora", "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a rule may look at. `learned` says which needs the data told rather than the user."""

    hardware: Hardware | None
    data: DataProfile | None
    needs: Needs
    learned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule found: points by strategy or method, and the strategies that it rules out."""

    text: str
    weights: Mapping[str, float]
    evidence: str  # key of facts/evidence.toml
    need: str | None = None  # the question that was answered
    vetoes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return evidence(self.evidence).cited


def simplicity(case: Case) -> Verdict:
    return Verdict(
        text="Fewer parts to build, measure and keep up to date come first where nothing else decides",
        weights={P: 0.5, R: 0.3, F: 0.0, L: -0.3, H: -0.4, C: -1.5, FULL: -1.0},
        evidence="two_systems",
    )


def prompting(case: Case) -> Verdict | None:
    needs = case.needs
    if needs.prompting_sufficient:
        return Verdict(
            text="A prompt alone already reaches your target: building more would add cost, not quality",
            weights={P: 5, R: -1, L: -1, F: -3, H: -3, C: -3},
            evidence="prompt_first",
            need="prompting_sufficient",
        )
    if needs.prompting_sufficient is False:
        return Verdict(
            text="A prompt alone was tried and falls short",
            weights={P: -2.5, R: 0.5, L: 0.3, F: 0.5, H: 0.5},
            evidence="prompt_first",
            need="prompting_sufficient",
        )
    if needs.prompting_tried is False:
        return Verdict(
            text="Nothing has been tried yet, so nothing shows that training is needed",
            weights={P: 1, F: -1, H: -0.5, C: -1},
            evidence="prompt_first",
            need="prompting_tried",
        )
    return None


def retrieval_tried(case: Case) -> Verdict | None:
    enough = case.needs.rag_sufficient
    if enough is None:
        return None
    return Verdict(
        text="Retrieval alone already reaches your target"
        if enough
        else "Retrieval alone was tried and falls short",
        weights={R: 3, F: -2, H: -1.5} if enough else {R: -2, L: -1, H: 1, F: 0.5},
        evidence="prompt_first",
        need="rag_sufficient",
    )


def knowledge_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "knowledge":
        return None
    return Verdict(
        text="The model lacks knowledge, and retrieval supplies knowledge better than training does",
        weights={R: 3, L: 2, H: 0.5, F: -2, P: -1, C: 0.5},
        evidence="knowledge_measured",
        need="gap",
    )


def behaviour_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "behaviour":
        return None
    return Verdict(
        text="The model knows enough but does not behave as wanted, which examples teach",
        weights={F: 3, H: 0.5, R: -1.5, L: -1.5, P: -0.5},
        evidence="behaviour_tuning",
        need="gap",
    )


def both_gaps(case: Case) -> Verdict | None:
    if case.needs.gap != "both":
        return None
    return Verdict(
        text="Knowledge and behaviour are both missing: retrieval brings the one, training the other",
        weights={H: 4, R: 1, F: 1, L: 0.5, P: -1},
        evidence="both_hybrid",
        need="gap",
    )


def no_gap(case: Case) -> Verdict | None:
    if case.needs.gap != "none":
        return None
    return Verdict(
        text="The model lacks neither knowledge nor behaviour",
        weights={P: 3, F: -1, H: -2, C: -2},
        evidence="prompt_first",
        need="gap",
    )


def documents_given(case: Case) -> Verdict | None:
    if case.needs.gap is not None or case.data is None or not case.data.files:
        return None
    return Verdict(
        text=f"You gave {case.data.files:,} documents: what stands only there has to reach the model at answer time",
        weights={R: 1.2, L: 0.8, H: 0.6},
        evidence="knowledge_rag",
    )


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


def freshness(case: Case) -> Verdict | None:
    days = case.needs.update_days
    if days is None:
        return None
    often = threshold("fresh_rag")
    vetoes: tuple[str, ...] = ()
    behaviour = case.needs.gap == "behaviour"  # then what changes is not what is trained in
    if days <= often:
        weights = {R: 2.5, H: 1.5, L: 1.5, F: -0.5 if behaviour else -3, C: -3}
        vetoes = (C,) if behaviour else (F, C)
    elif days <= 31:
        weights = {R: 1, H: 0.6, L: 0.6, F: -0.3 if behaviour else -1, C: -1}
    elif days < 365:
        weights = {R: 0.3, H: 0.3, L: 0.3}
    else:
        weights = {F: 0.5, C: 0.3}
    said = f"change every {days:g} days" if days < 365 else "hardly ever change"
    follows = (
        "training would be out of date as fast" if days <= 31 else "so an index need not be rebuilt often"
    )
    return Verdict(
        text=f"The documents {said}; {follows}"
        if days < 365
        else f"The documents {said}, so training keeps its worth",
        weights=weights,
        evidence="fresh_rag",
        need="update_days",
        vetoes=vetoes,
    )


def citations(case: Case) -> Verdict | None:
    if not case.needs.needs_citations:
        return None
    return Verdict(
        text="Answers must cite their source, which only a model that is shown the source can do",
        weights={R: 2, H: 1.5, L: 0.5, F: -2, C: -2, P: -1},
        evidence="citations",
        need="needs_citations",
        vetoes=(F, C),
    )


def access(case: Case) -> Verdict | None:
    if not case.needs.per_document_access:
        return None
    return Verdict(
        text="Not every reader may see every document; weights cannot forget a document for one reader",
        weights={R: 2, H: 1, L: -1, F: -2, C: -2},
        evidence="citations",
        need="per_document_access",
        vetoes=(F, C),
    )


def small_corpus(case: Case) -> Verdict | None:
    tokens = case.needs.corpus_tokens
    if not tokens or tokens > threshold("long_context"):
        return None
    return Verdict(
        text=f"All documents together are about {tokens:,} tokens and could stand in the prompt as a whole",
        weights={L: 1},
        evidence="long_context",
        need="corpus_tokens",
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


def unlabelled(case: Case) -> Verdict | None:
    tokens, wanted = case.needs.unlabelled_tokens, threshold("pretraining")
    if tokens is None:
        return None
    if tokens >= wanted:
        return Verdict(
            text=f"{tokens:,} unlabelled tokens are enough to continue pretraining",
            weights={C: 4},
            evidence="pretraining",
            need="unlabelled_tokens",
        )
    return Verdict(
        text=f"{tokens:,} tokens of text are far below the {wanted:,.0f} from which continued pretraining pays",
        weights={C: -3},
        evidence="pretraining",
        need="unlabelled_tokens",
        vetoes=(C,),
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


RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    prompting,
    retrieval_tried,
    knowledge_gap,
    behaviour_gap,
    both_gaps,
    no_gap,
    documents_given,
    freshness,
    citations,
    access,
    style,
    domain_language,
    task,
    labels,
    unlabelled,
    small_corpus,
    speed,
    long_instructions,
    training_constraint,
    behaviour_shift,
    keep_base,
    simplicity,
)
