"""From a recommendation to the settings of an index and of a training run; flags win over the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.methods import METHODS
from finetune.schema import TrainConfig
from rag.schema import RagConfig

if TYPE_CHECKING:
    from advisor import Option, Recommendation

# Training's names of methods that the advisor calls otherwise.
ADVISOR_NAMES = {"p_tuning": "ptuning", "p_tuning_v2": "ptuning_v2"}


def read_plan(path: str) -> Recommendation:
    """The recommendation that 'advisor recommend --out' wrote. Raises ValueError when it is not one."""
    from advisor import from_json

    try:
        return from_json(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"No plan at {path}; write one with: advisor recommend --out {path}"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no plan; write one with: advisor recommend --out plan.json") from None


def rag_config(plan: str | None = None, **flags: Any) -> RagConfig:
    """Index settings. A plan is read for its mistakes: today no recommendation departs from the defaults."""
    if plan is not None:
        read_plan(plan)
    return RagConfig(**_given(flags, RagConfig))


def train_config(plan: str | None, flags: Mapping[str, Any]) -> TrainConfig:
    """Training settings. Raises ValueError when neither the flags nor the plan name a model."""
    planned: dict[str, Any] = {}
    if plan is not None:
        recommended = read_plan(plan)
        best = next((o for o in recommended.options if _trainable(o)), None)
        if best is None:
            raise ValueError(
                f"{plan} recommends no training; give --method and --model to train all the same."
            )
        planned = {
            "model": best.model,
            "method": _own_name(best.method),
            "objective": _objective(best, recommended.needs.task),
        }
    values = planned | _given(flags, TrainConfig)
    if "model" not in values and values.get("adapter"):
        from finetune import read_card

        values["model"] = read_card(values["adapter"]).base_model
    if "model" not in values:
        raise ValueError("No model named; give --model NAME, a local folder, 'minilm', or --plan plan.json.")
    return TrainConfig(**values)


def _objective(option: Option, task: str | None) -> str:
    if option.strategy == "continued_pretraining":
        return "pretrain"
    return "classify" if task == "classification" and option.strategy == "finetune" else "sft"


def _trainable(option: Option) -> bool:
    """Whether 'advisor train' can do it: a plan may name ways that it does not train yet."""
    return (
        option.rejected is None
        and _own_name(option.method) in METHODS
        and option.strategy in ("finetune", "hybrid", "continued_pretraining")
    )


def _own_name(method: str) -> str:
    """What training calls a method of the advisor's."""
    return next((own for own, other in ADVISOR_NAMES.items() if other == method), method)


def _given(flags: Mapping[str, Any], record: type) -> dict[str, Any]:
    known = {field.name for field in fields(record)}
    given = {name: value for name, value in flags.items() if name in known and value is not None}
    # A flag that may be repeated comes as a list; settings do not change.
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
