"""A recommendation written by hand, something in every field, so that no change of a rule or formula alters reports.

To approve reports that were changed on purpose: PYTHONPATH=. python tests/example_report.py, then read the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from advisor.phrase import Language, Phrase, say
from advisor.report_html import render_html
from advisor.report_markdown import render_markdown
from advisor.report_text import render_text
from advisor.schema import (
    CostEstimate,
    DataProfile,
    Evidence,
    ExampleProfile,
    Gpu,
    Hardware,
    MemoryEstimate,
    Needs,
    Option,
    Reason,
    Recommendation,
    TimeEstimate,
)
from advisor.wording import option_name

GOLDEN = Path(__file__).parent / "advisor" / "golden"
OVADIA = "Ovadia et al., arXiv 2312.05934, 2023-12 (0.875 against 0.504)"
GUIDES = "count over published guides, 2026-11 (4 guides)"
MODEL = "Qwen/Qwen2.5-7B-Instruct"


def memory(scale: float, **parts: float) -> MemoryEstimate:
    held = sum(parts.values())
    return MemoryEstimate(
        allocated_gib=held - 0.4,
        reserved_gib=held * scale - 0.4,
        device_gib=held * scale,
        low_gib=held * 0.94,
        high_gib=held * scale * 1.12,
        parts=parts,
        peak="serving" if "kv_cache" in parts else "backward",
    )


SERVE = memory(1.02, weights=14.2, embedder=0.3, adapters=0.1, kv_cache=0.4, activations=0.5, context=0.4)
LORA = memory(
    1.06, weights=14.2, adapters=0.3, gradients=0.15, optimizer=0.6, activations=1.4, logits=3.1, context=0.4
)
QLORA = memory(1.06, weights=5.5, adapters=0.3, gradients=0.15, optimizer=0.6, activations=1.4, logits=3.1,
               workspace=0.2, context=0.4)  # fmt: skip
FULL = memory(1.01, weights=28.4, gradients=28.4, optimizer=56.8, activations=1.4, logits=3.1, context=0.4)

WORK = say(
    "{usual:.2f} s ({fast:.2f} to {slow:.2f}) of {card} for a question, {concurrent} answered together",
    usual=1.2, fast=0.8, slow=1.9, card="RTX 4090", concurrent=8,
)  # fmt: skip


def cost(build: float, each: float, **rented: float) -> CostEstimate:
    return CostEstimate(
        build_usd=build,
        per_1000_queries_usd=each,
        prompt_tokens=640,
        retrieved_tokens=1080 if build < 1 else 0,
        answer_tokens=150,
        hosted="rented" if rented else "api",
        assumptions=(WORK,),
        **rented,
    )


def took(hours: float) -> TimeEstimate:
    return TimeEstimate(
        hours=hours, low_hours=hours * 0.6, high_hours=hours * 1.7, flops=1e17, tokens=4e5, card="RTX 4090"
    )


def reason(rule: str, text: Phrase, weight: float, source: str, need: str, value: str) -> Reason:
    fact = say("{need}: {value}", need=need, value=say("yes") if value == "yes" else value)
    return Reason(rule=rule, text=say("{text}.", text=text), weight=weight, source=source, fact=fact)


LACKS = reason(
    "knowledge_gap",
    say("The model lacks knowledge, and being shown it works better than being trained on it"),
    3.0, OVADIA, "gap", "knowledge",
)  # fmt: skip
CITES = reason(
    "citations",
    say("Answers must cite their source, which only a model that is shown the source can do"),
    2.0, GUIDES, "needs_citations", "yes",
)  # fmt: skip
TASK = reason("task", say("The task is {task}", task=say("answering questions")), 0.5, GUIDES, "task", "qa")
FEW = replace(
    reason(
        "labels",
        say("{rows:,} labelled examples are few for training", rows=80),
        -0.5,
        GUIDES,
        "labelled_examples",
        "80",
    ),
    text=say(
        "{text} (read from your data: {how}).",
        text=say("{rows:,} labelled examples are few for training", rows=80),
        how=say("{rows:,} rows in {where}", rows=80, where="qa.jsonl"),
    ),
)
REREAD = reason(
    "read_again",
    say("On your own machine each question reads all documents again"),
    -0.3,
    GUIDES,
    "machine",
    "24 GiB",
)

RAG = Option(
    strategy="rag",
    method="none",
    model=MODEL,
    score=5.2,
    fits=True,
    device="gpu",
    train_memory=None,
    serve_memory=SERVE,
    time=took(0.4),
    cost=cost(0.2, 1.1),
    reasons=(LACKS, CITES, TASK),
    against=(REREAD,),
    evidence=(
        Evidence(
            key="fresh_rag", claim="Where content changes weekly or faster, no guide advises fine-tuning alone",
            figure="9 guides", source="Oracle, https://example.org/rag-or-tuning", date="2026-11",
        ),
    ),
)  # fmt: skip
HYBRID = replace(
    RAG,
    strategy="hybrid",
    method="qlora",
    score=4.7,
    train_memory=QLORA,
    time=took(3.5),
    cost=cost(6.0, 0.9, card_usd_per_day=9.0, queries_per_card_day=70_000),
    reasons=(replace(LACKS, weight=0.5), replace(CITES, weight=1.5)),
    against=(FEW,),
    evidence=(),
)
TUNED = replace(
    HYBRID,
    strategy="finetune",
    rejected="Answers must cite their source; <b>tuned</b> weights cannot.",
    score=-4.0,
)
OPTIONS = (
    RAG,
    HYBRID,
    replace(HYBRID, method="lora", score=4.1, train_memory=LORA),
    replace(RAG, strategy="prompt_only", score=-1.5, against=(replace(LACKS, weight=-1.0),), reasons=(), time=None,
            cost=cost(0.0, 0.4)),
    TUNED,
    replace(TUNED, method="full", train_memory=FULL),
)  # fmt: skip

EXAMPLES = ExampleProfile(
    rows=80, kind="qa", p50_tokens=60, p95_tokens=120, p99_tokens=180, max_tokens=200, duplicates=2, conflicts=3,
    leaked=4, languages={"en": 0.7, "zh": 0.3}, answers_in_documents=0.9, answers_checked=80, quotes=True,
    path="qa.jsonl",
)  # fmt: skip
RHYTHM = say("git history: changes on {days} days of the last year", days=56)
DATA = DataProfile(
    files=1_014, size_bytes=400_000, formats={".docx": 3, ".md": 1_006, ".pdf": 5}, tokens=2_800_000,
    languages={"en": 0.7, "zh": 0.3}, sampled=True, update_days=6.5, update_source=RHYTHM, near_duplicates=12,
    personal_data={"email": 12, "phone": 3}, scanned=("scan.pdf",),
    unreadable=("<script>alert(1)</script>.pdf: encrypted PDF",), unsupported={".dwg": 2}, examples=EXAMPLES,
    path="docs",
)  # fmt: skip

CHANGE = say("{after} instead of {before}", after=option_name(HYBRID), before=option_name(RAG))

FULL_REPORT = Recommendation(
    options=OPTIONS,
    confidence="medium",
    confidence_because=say(
        "{ahead}, and no open question would change it.",
        ahead=say("It is {points:.1f} points ahead of {other}", points=0.5, other=option_name(HYBRID)),
    ),
    near_ties=(
        say(
            "{other} is {points:.1f} points behind {best}: {pro}",
            other=option_name(HYBRID),
            points=0.5,
            best=option_name(RAG),
            pro=LACKS.text,
        ),
    ),
    first_step=say(
        "Measure a plain prompt on 10 or more of your own questions first, and stop there if at least 8 are good "
        "enough. [{source}]",
        source=GUIDES,
    ),
    would_change=(
        say("From {value:,.0f} labelled examples on: {change}.", value=800, change=CHANGE),
        say(
            "With a card of {size:g} GiB or more the way to train would be {method} instead of {before}.",
            size=80.0,
            method="LoRA",
            before="QLoRA",
        ),
    ),
    next_command="advisor index docs --out build/index",
    commands=(
        "advisor index docs --out build/index",
        say("# Each card holds a part of the model (FSDP); accelerate starts a process for each:"),
        'advisor ask "your question" --index build/index --model Qwen/Qwen2.5-7B-Instruct',
    ),
    hardware=Hardware(
        gpus=(Gpu(name="RTX 4090", vram_gib=24.0),), ram_gib=64.0, cpu_cores=16, note="NVML found 1 card."
    ),
    data=DATA,
    needs=Needs(gap="knowledge", needs_citations=True, queries_per_day=900.0, update_days=6.5),
    unanswered=("gap", "labelled_examples"),
)

_BARE_OPTION = Option(
    strategy="prompt_only",
    method="none",
    model=MODEL,
    score=0.0,
    fits=None,
    train_memory=None,
    serve_memory=None,
)
BARE_REPORT = Recommendation(
    options=(_BARE_OPTION,), confidence="low", first_step=None, would_change=(), next_command="", commands=(),
    hardware=None, data=None, needs=Needs(),
)  # fmt: skip

RENDERED: dict[str, Callable[[Language], str]] = {
    "report{}.txt": lambda language: render_text(FULL_REPORT, width=100, language=language),
    "report{}.md": lambda language: render_markdown(FULL_REPORT, language=language),
    "report{}.html": lambda language: render_html(FULL_REPORT, language=language),
}

if __name__ == "__main__":
    for name, render in RENDERED.items():
        for language, suffix in (("en", ""), ("zh", ".zh")):
            path = GOLDEN / name.format(suffix)
            path.write_text(render(language), "utf-8")  # type: ignore[arg-type]
            print(path)
