"""Decides between prompting, retrieval and training, with reasons and numbers; imports nothing heavy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capacity import CapacityPlan, capacity_table, plan_capacity
    from .catalog import cards, find_card, find_model, models, resolve_model, typical_card
    from .contradictions import refuse_contradictions
    from .cost import Prices, query_cost, query_tokens
    from .data_profile import profile_data
    from .decide import recommend
    from .duration import embedding_time, training_time
    from .hardware import detect_hardware, hardware_with_card, hardware_with_vram
    from .limits import FitRow, fits_table, largest_batch, longest_sequence
    from .memory import estimate_memory
    from .plan_json import as_asked, from_json, to_json
    from .profile_words import describe_profile
    from .questions import QUESTIONS, needs_from_dict, read_needs
    from .report_html import render_html
    from .report_markdown import render_markdown
    from .report_text import render_text
    from .running_cost import BreakEven, Running, break_even, cost_curve, monthly_cost
    from .schema import (
        Card,
        CostEstimate,
        DataProfile,
        Evidence,
        ExampleProfile,
        Gpu,
        Hardware,
        MemoryEstimate,
        ModelSpec,
        Needs,
        Option,
        Reason,
        Recommendation,
        ServeSetup,
        TimeEstimate,
        TrainSetup,
    )

# module -> the names it gives; read at first use, so that `import advisor` costs nothing
_GIVES = {
    "capacity": "CapacityPlan capacity_table plan_capacity",
    "catalog": "cards find_card find_model models resolve_model typical_card",
    "contradictions": "refuse_contradictions",
    "cost": "Prices query_cost query_tokens",
    "data_profile": "profile_data",
    "decide": "recommend",
    "duration": "embedding_time training_time",
    "hardware": "detect_hardware hardware_with_card hardware_with_vram",
    "limits": "FitRow fits_table largest_batch longest_sequence",
    "memory": "estimate_memory",
    "profile_words": "describe_profile",
    "questions": "QUESTIONS needs_from_dict read_needs",
    "plan_json": "as_asked from_json to_json",
    "report_html": "render_html",
    "report_markdown": "render_markdown",
    "report_text": "render_text",
    "running_cost": "BreakEven Running break_even cost_curve monthly_cost",
    "schema": "DataProfile Evidence ExampleProfile Gpu Hardware Needs Option Reason Recommendation",
    "setups": "Card CostEstimate MemoryEstimate ModelSpec ServeSetup TimeEstimate TrainSetup",
}
_HOMES = {name: module for module, names in _GIVES.items() for name in names.split()}

__all__ = [
    "QUESTIONS",
    "BreakEven",
    "CapacityPlan",
    "Card",
    "CostEstimate",
    "DataProfile",
    "Evidence",
    "ExampleProfile",
    "FitRow",
    "Gpu",
    "Hardware",
    "MemoryEstimate",
    "ModelSpec",
    "Needs",
    "Option",
    "Prices",
    "Reason",
    "Recommendation",
    "Running",
    "ServeSetup",
    "TimeEstimate",
    "TrainSetup",
    "as_asked",
    "break_even",
    "capacity_table",
    "cards",
    "cost_curve",
    "describe_profile",
    "detect_hardware",
    "embedding_time",
    "estimate_memory",
    "find_card",
    "find_model",
    "fits_table",
    "from_json",
    "hardware_with_card",
    "hardware_with_vram",
    "largest_batch",
    "longest_sequence",
    "models",
    "monthly_cost",
    "needs_from_dict",
    "plan_capacity",
    "profile_data",
    "query_cost",
    "query_tokens",
    "read_needs",
    "recommend",
    "refuse_contradictions",
    "render_html",
    "render_markdown",
    "render_text",
    "resolve_model",
    "to_json",
    "training_time",
    "typical_card",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
