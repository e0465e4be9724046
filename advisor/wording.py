"""Short phrases that all reports share: names of options and parts, numbers with their units, remarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from .phrase import Language, Phrase, say, spoken
from .schema import MemoryEstimate, Option, Reason, Recommendation, TimeEstimate

STRATEGIES = {
    "prompt_only": "prompting alone",
    "long_context": "all documents in the prompt",
    "rag": "retrieval (RAG)",
    "finetune": "fine-tuning",
    "continued_pretraining": "continued pretraining",
    "hybrid": "retrieval and fine-tuning",
}
# Names of methods are the field's own and the same in every language, save those that facts/zh.toml translates.
METHODS = {
    "lora": "LoRA", "qlora": "QLoRA", "full": "full", "dora": "DoRA", "rslora": "rsLoRA", "adalora": "AdaLoRA",
    "lora_fa": "LoRA-FA", "vera": "VeRA", "oft": "OFT", "ia3": "IA3", "bitfit": "BitFit", "ln_tuning": "LN tuning",
    "houlsby": "Houlsby adapters", "prompt": "prompt tuning", "prefix": "prefix tuning", "ptuning": "P-Tuning",
    "ptuning_v2": "P-Tuning v2", "llama_adapter": "LLaMA-Adapter", "llama_adapter_v2": "LLaMA-Adapter v2",
    "features": "frozen features", "output_layer": "output layer", "last_layers": "last layers",
    "reward": "reward model", "dpo": "DPO", "kto": "KTO", "ppo": "PPO",
}  # fmt: skip
CONFIDENCE = {"high": "high", "medium": "medium", "low": "low"}
HOSTED = {"own": "own machine", "rented": "rented card", "api": "API"}
TIME_UNITS = ("s", "min", "h", "days")
FITS = {"yes": "fits", "tight": "may fit", "no": "does not fit"}
_CLOSE = 0.75  # points within which an option of another strategy is called close


def in_language(language: Language) -> Callable[[str], str]:
    """A function that puts words and phrases into the language of a report."""
    return partial(spoken, language=language)


def option_name(option: Option) -> str:
    """For example 'retrieval and fine-tuning, QLoRA'."""
    strategy = STRATEGIES[option.strategy]
    if option.method == "none":
        return strategy
    return say("{strategy}, {method}", strategy=strategy, method=METHODS.get(option.method, option.method))


def option_title(option: Option) -> Phrase:
    """The name with the model and where it runs."""
    name, model = option_name(option), short_model(option)
    if option.device == "gpu":
        return say("{name}, with {model} on the card", name=name, model=model)
    if option.device == "cpu":
        return say("{name}, with {model} on the CPU", name=name, model=model)
    return say("{name}, with {model}", name=name, model=model)


def short_model(option: Option) -> str:
    return option.model.split("/")[-1]


def limit_gib(recommendation: Recommendation, memory: MemoryEstimate | None = None) -> float | None:
    """Memory of the card that the answer was found for; None on a CPU or an unknown machine.

    A model that answers may lie on all cards of the machine, layer by layer: where one card does not hold `memory`,
    their sum is the limit.
    """
    hardware = recommendation.hardware
    if hardware is None or not hardware.vram_gib or recommendation.best.device == "cpu":
        return None
    if memory is not None and memory.peak == "serving" and memory.high_gib > hardware.vram_gib:
        return sum(gpu.vram_gib for gpu in hardware.gpus)
    return hardware.vram_gib


def size(gib: float) -> str:
    """'24' or '22.2': GiB of a card."""
    return f"{gib:.1f}".removesuffix(".0")


def runner_up(recommendation: Recommendation) -> Option | None:
    """The best option of another strategy that can work."""
    best = recommendation.best
    others = (o for o in recommendation.options if o.rejected is None and o.strategy != best.strategy)
    return next(others, None)


def remark(option: Option, best: Option) -> str:
    """What one has to know of an option in a table: why not, how close, with which model."""
    if option.rejected:
        return say("rejected: {why}", why=option.rejected)
    if option is best:
        return say("recommended")
    telling = [reason for reason in option.against if reason.rule not in ("simplicity", "smaller_model")]
    said: list[str] = []
    if best.score - option.score < _CLOSE and option.strategy != best.strategy:
        said.append(say("close"))
    if option.model != best.model:
        said.append(say("with {model}", model=short_model(option)))
    return joined([*said, *(finding(reason) for reason in telling[:1])])


def finding(reason: Reason) -> str:
    """What was found, without how it was learned: where both stand in a sentence, the first is its field `text`."""
    found: str = getattr(reason.text, "values", {}).get("text", reason.text)
    return found


def fact(reason: Reason) -> str:
    """The answer that a reason starts from; how it was learned stands in its text already."""
    values = getattr(reason.fact, "values", {})
    if "need" in values and "value" in values:
        return say("{name}: {content}", name=values["need"], content=values["value"])
    return reason.fact


def capital(text: str) -> str:
    """With a large first letter, where a phrase stands alone."""
    return text[:1].upper() + text[1:]


def joined(texts: Iterable[str]) -> str:
    """'a; b; c' in the punctuation of the language."""
    *front, chain = list(texts) or [""]
    for text in reversed(front):
        chain = say("{first}; {rest}", first=text, rest=chain)
    return chain


def listed(texts: Iterable[str]) -> str:
    """'a, b, c' in the punctuation of the language."""
    *front, chain = list(texts) or [""]
    for text in reversed(front):
        chain = say("{first}, {rest}", first=text, rest=chain)
    return chain


def time_span(time: TimeEstimate) -> Phrase:
    """The interval in the unit that a person would use: '2.1–6.0 h'."""
    low, low_unit = _measured(time.low_hours)
    high, high_unit = _measured(time.high_hours)
    if (low, low_unit) == (high, high_unit):
        return say("{amount} {unit}", amount=low, unit=low_unit)
    if low_unit == high_unit:
        return say("{low}–{high} {unit}", low=low, high=high, unit=low_unit)
    return say(
        "{low} {low_unit} to {high} {high_unit}", low=low, low_unit=low_unit, high=high, high_unit=high_unit
    )


def _measured(hours: float) -> tuple[str, str]:
    if hours < 1.5 / 60:
        return f"{max(1.0, hours * 3600):.0f}", TIME_UNITS[0]
    if hours < 1.5:
        return f"{hours * 60:.0f}", TIME_UNITS[1]
    if hours < 72:
        return f"{hours:.1f}" if hours < 10 else f"{hours:.0f}", TIME_UNITS[2]
    return f"{hours / 24:,.0f}", TIME_UNITS[3]


def dollars(usd: float) -> str:
    """Three figures are all that an estimate is worth."""
    if usd >= 100 or usd == 0:
        return f"${usd:,.0f}"
    if usd < 0.0005:
        return "<$0.001"
    return f"${usd:.2f}" if usd >= 0.095 else f"${usd:.2g}"


def rounded(number: float) -> float:
    """To two figures: 9,007 is said as 9,000."""
    return float(f"{number:.2g}")


def gib(memory: MemoryEstimate | None) -> str:
    return "" if memory is None else f"{memory.device_gib:.1f}"


def signed(weight: float) -> str:
    return f"{weight:+.1f}"
