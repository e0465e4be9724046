"""Short phrases for options, hardware and data, shared by the text and Markdown reports."""

from __future__ import annotations

from .schema import DataProfile, Hardware, Option

STRATEGIES = {
    "prompt_only": "prompting alone",
    "long_context": "all documents in the prompt",
    "rag": "retrieval (RAG)",
    "finetune": "fine-tuning",
    "continued_pretraining": "continued pretraining",
    "hybrid": "retrieval and fine-tuning",
}
METHODS = {"lora": "LoRA", "qlora": "QLoRA", "full": "full"}


def option_name(option: Option) -> str:
    """For example 'retrieval and fine-tuning, QLoRA'."""
    name = STRATEGIES[option.strategy]
    return name if option.method == "none" else f"{name}, {METHODS.get(option.method, option.method)}"


def option_title(option: Option) -> str:
    where = {"gpu": " on the card", "cpu": " on the CPU", None: ""}[option.device]
    return f"{option_name(option)}, with {option.model.split('/')[-1]}{where}"


def hardware_line(hardware: Hardware | None) -> str:
    if hardware is None:
        return "The machine is not known: pass --vram, or run this where it shall work."
    ram = f", {hardware.ram_gib:.0f} GiB of RAM" if hardware.ram_gib else ""
    cards = ", ".join(f"{gpu.name} ({gpu.vram_gib:.0f} GiB)" for gpu in hardware.gpus)
    return (
        f"{hardware.note}{f' Cards: {cards}.' if cards and 'as you asked' not in hardware.note else ''}".strip()
        + (f" {hardware.cpu_cores} cores{ram}." if hardware.cpu_cores else "")
    )


def data_line(data: DataProfile | None) -> list[str]:
    """One line each for the documents, what could not be read, and the examples."""
    if data is None:
        return []
    lines = []
    if data.files:
        formats = ", ".join(f"{count} {suffix.lstrip('.')}" for suffix, count in data.formats.items())
        mix = ", ".join(f"{share:.0%} {name}" for name, share in data.languages.items())
        sampled = " (sampled)" if data.sampled else ""
        lines.append(
            f"{data.files:,} documents ({formats}), about {data.tokens:,} tokens{sampled}{', ' + mix if mix else ''}"
        )
    if data.unreadable:
        rest = len(data.unreadable) - 3
        more = f"; and {rest} more" if rest > 0 else ""
        lines.append(f"not readable: {'; '.join(data.unreadable[:3])}{more}")
    if data.unsupported:
        lines.append(
            "no loader: " + ", ".join(f"{count} {suffix}" for suffix, count in data.unsupported.items())
        )
    if data.examples:
        rows = data.examples
        shared = rows.answers_in_documents
        found = f", {shared:.0%} of the answers stand in the documents" if shared is not None else ""
        doubled = f", {rows.duplicates} twice" if rows.duplicates else ""
        lines.append(
            f"{rows.rows:,} examples ({rows.kind}, up to {rows.max_tokens:,} tokens{doubled}){found}"
        )
    return lines


def signed(weight: float) -> str:
    return f"{weight:+.1f}"
