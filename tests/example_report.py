"""A recommendation written by hand, something in every field, so that no change of a rule or formula alters reports.

To approve reports that were changed on purpose: PYTHONPATH=. python tests/example_report.py, then read the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from advisor.phrase import Language, say
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

HOUR = say("{seconds:.2f} s of {card} for one question, {concurrent} answered together", seconds=1.2, card="RTX 4090",
           concurrent=8)  # fmt: skip


def cost(build: float, each: float, **rented: float) -> CostEstimate:
    return CostEstimate(
        build_usd=build,
        per_1000_queries_usd=each,
        prompt_tokens=640,
        retrieved_tokens=1080 if build < 1 else 0,
        answer_tokens=150,
        hosted="rented" if rented else "api",
        assumptions=(HOUR,) if rented else (),
        **rented,
    )


def took(hours: float) -> TimeEstimate:
    return TimeEstimate(
        hours=hours, low_hours=hours * 0.6, high_hours=hours * 1.7, flops=1e17, tokens=4e5, card="RTX 4090"
    )


LACKS = Reason(
    rule="knowledge_gap",
    text=say("The model lacks knowledge, and retrieval supplies knowledge better than training does"),
    weight=3.0,
    source=OVADIA,
    fact="gap: knowledge",
)
CITES = Reason(
    rule="citations",
    text=say("Answers must cite their source, which only a model that is shown the source can do"),
    weight=2.0,
    source=GUIDES,
    fact="needs_citations: yes",
)
FEW = Reason(rule="labels", text="80 labelled examples are few for training.", weight=-0.5, source=GUIDES)

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
    reasons=(LACKS, CITES, Reason(rule="task", text="The task is qa.", weight=0.5, source=GUIDES)),
    against=(Reason(rule="speed", text="Every retrieved token is read again.", weight=-0.3, source=GUIDES),),
    evidence=(
        Evidence(
            key="raft", claim="Training with retrieved passages beat both side by side",
            figure="73.3 against 71.6", source="RAFT, arXiv 2403.10131", date="2024-03",
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
    leaked=4, languages={"en": 0.7, "zh": 0.3}, answers_in_documents=0.9, answers_checked=80, quotes=True, path="qa.jsonl",
)  # fmt: skip
DATA = DataProfile(
    files=1_014, size_bytes=400_000, formats={".docx": 3, ".md": 1_006, ".pdf": 5}, tokens=2_800_000,
    languages={"en": 0.7, "zh": 0.3}, sampled=True, update_days=6.5, update_source="git history", near_duplicates=12,
    personal_data={"email": 12, "phone": 3}, scanned=("scan.pdf",),
    unreadable=("<script>alert(1)</script>.pdf: encrypted PDF",), unsupported={".dwg": 2}, examples=EXAMPLES,
    path="docs",
)  # fmt: skip

FULL_REPORT = Recommendation(
    options=OPTIONS,
    confidence="medium",
    confidence_because="The best option leads by 0.5 points, and two questions are open.",
    near_ties=(
        "Retrieval and fine-tuning, QLoRA, is 0.5 points behind: 80 labelled examples separate them.",
    ),
    first_step="Measure a plain prompt on 10 or more of your own questions first.",
    would_change=(
        "From 800 labelled examples on: retrieval and fine-tuning, QLoRA instead of retrieval (RAG).",
        "With a card of 80 GiB the way to train would be LoRA instead of QLoRA.",
    ),
    next_command="advisor index docs --out build/index",
    commands=(
        "advisor index docs --out build/index",
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
