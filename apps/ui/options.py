"""Options of a recommendation as words and rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.wording import METHODS, STRATEGIES
from apps.ui.words import Language, word

if TYPE_CHECKING:
    from advisor import MemoryEstimate, Option, Recommendation


def option_name(option: Option, language: Language) -> str:
    """For example "Retrieval and fine-tuning · QLoRA"."""
    name = word(STRATEGIES[option.strategy], language)
    name = name[:1].upper() + name[1:]
    return name if option.method == "none" else f"{name} · {METHODS.get(option.method, option.method)}"


def option_rows(found: Recommendation, language: Language) -> list[dict[str, Any]]:
    """One row for each option that can work, in its rank."""
    return [
        {
            word("Option", language): option_name(option, language),
            word("Model", language): option.model.split("/")[-1],
            word("Score", language): round(option.score, 1),
            word("Training (GiB)", language): _gib(option.train_memory),
            word("Answering (GiB)", language): _gib(option.serve_memory),
            word("Remark", language): _remark(option, found.best, language),
        }
        for option in found.options
        if not option.rejected
    ]


def folded(command: str) -> str:
    """A long command over several lines, as a shell reads it."""
    return command if len(command) <= 48 else command.replace(" --", " \\\n    --")


def _gib(memory: MemoryEstimate | None) -> str:
    return "" if memory is None else f"{memory.device_gib:.1f}"


def _remark(option: Option, best: Option, language: Language) -> str:
    if option is best:
        return word("recommended", language)
    return option.against[0].text if option.against else ""
