"""Decides between prompting, retrieval and training, with reasons and numbers; imports nothing heavy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalog import find_gpu, find_model, resolve_model
    from .data_profile import profile_data
    from .decide import recommend
    from .hardware import detect_hardware, hardware_with_vram
    from .memory import estimate_memory
    from .questions import QUESTIONS, needs_from_dict, read_needs
    from .report import from_json, render_markdown, render_text, to_json
    from .schema import (
        DataProfile,
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
        TrainSetup,
    )

# name -> module that holds it; read at first use, so that `import advisor` costs nothing
_HOMES = {
    **dict.fromkeys(("find_gpu", "find_model", "resolve_model"), "catalog"),
    "profile_data": "data_profile",
    **dict.fromkeys(("detect_hardware", "hardware_with_vram"), "hardware"),
    "estimate_memory": "memory",
    **dict.fromkeys(("QUESTIONS", "needs_from_dict", "read_needs"), "questions"),
    "recommend": "decide",
    **dict.fromkeys(("from_json", "render_markdown", "render_text", "to_json"), "report"),
    **dict.fromkeys(
        ("DataProfile", "ExampleProfile", "Gpu", "Hardware", "MemoryEstimate", "ModelSpec"), "schema"
    ),
    **dict.fromkeys(("Needs", "Option", "Reason", "Recommendation", "ServeSetup", "TrainSetup"), "schema"),
}

__all__ = [
    "QUESTIONS",
    "DataProfile",
    "ExampleProfile",
    "Gpu",
    "Hardware",
    "MemoryEstimate",
    "ModelSpec",
    "Needs",
    "Option",
    "Reason",
    "Recommendation",
    "ServeSetup",
    "TrainSetup",
    "detect_hardware",
    "estimate_memory",
    "find_gpu",
    "find_model",
    "from_json",
    "hardware_with_vram",
    "needs_from_dict",
    "profile_data",
    "read_needs",
    "recommend",
    "render_markdown",
    "render_text",
    "resolve_model",
    "to_json",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
