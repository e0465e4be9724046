"""Capacity as text: a table of sizes where the terminal is wide enough, else a list; one size in detail."""

from __future__ import annotations

from collections.abc import Sequence

from .capacity import CapacityPlan
from .page import Page, blank_page
from .phrase import Language, Phrase, say
from .wording import joined, listed, time_span

KINDS = {
    "flat": "flat (exact)",
    "hnsw": "HNSW graph",
    "ivf_pq": "IVF-PQ (compressed)",
    "ivf_pq_sharded": "IVF-PQ, sharded",
}
_TABLE_CELLS = 84  # a table needs so many; a list is better with less
_INDENT = 2


def render_capacity(
    plans: Sequence[CapacityPlan],
    *,
    detail: bool,
    width: int | None = None,
    colour: bool = False,
    language: Language = "en",
) -> str:
    """Lines of at most `width` cells, those of the terminal where None. `detail` says of one plan all that is known."""
    page = blank_page(width=width, colour=colour, language=language)
    page.line(_title(plans))
    if detail:
        _details(page, plans[0])
    elif page.width >= _TABLE_CELLS:
        _table(page, plans)
    else:
        _list(page, plans)
    _notes(page, plans)
    return page.text()


def _title(plans: Sequence[CapacityPlan]) -> Phrase:
    first = plans[0]
    return say(
        "A corpus in chunks of {tokens:,} tokens, each a vector of {dim:,} numbers",
        tokens=first.chunk_tokens,
        dim=first.dim,
    )


def _table(page: Page, plans: Sequence[CapacityPlan]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    heads = [say("chunks"), say("index"), say("RAM"), say("disk"), say("embedding on a CPU")]
    heads += [say("on one card"), say("cards for a day")] if plans[0].embed_card else []
    for head in heads:
        table.add_column(page.tell(head), justify="left" if head == "index" else "right", overflow="fold")
    for plan in plans:
        cells: list[str] = [f"{plan.chunks:,}", KINDS[plan.kind], size(plan.ram_gib), size(plan.disk_gib)]
        cells.append(time_span(plan.embed_cpu))
        if plan.embed_card is not None:
            cells += [time_span(plan.embed_card), _span(plan)]
        table.add_row(*(page.tell(cell) for cell in cells))
    page.console.print()
    page.console.print(table)


def _list(page: Page, plans: Sequence[CapacityPlan]) -> None:
    for plan in plans:
        page.head(say("{chunks:,} chunks", chunks=plan.chunks))
        page.line(
            say(
                "{kind}; {ram} RAM, {disk} disk",
                kind=KINDS[plan.kind],
                ram=size(plan.ram_gib),
                disk=size(plan.disk_gib),
            ),
            indent=_INDENT,
        )
        for line in _embedding(plan):
            page.line(line, indent=_INDENT)


def _details(page: Page, plan: CapacityPlan) -> None:
    page.head(say("{chunks:,} chunks", chunks=plan.chunks))
    lines: list[Phrase] = [
        say("index: {kind}, faiss.index_factory({dim}, '{factory}')", kind=KINDS[plan.kind], dim=plan.dim,
            factory=plan.factory),
        say("store: {store}", store=plan.store),
        say(
            "RAM: {ram}, of which index {index} and keywords {keywords}; vectors uncompressed {vectors}",
            ram=size(plan.ram_gib),
            index=size(plan.index_gib),
            keywords=size(plan.keyword_gib),
            vectors=size(plan.vectors_gib),
        ),
        say("disk: {disk}, with text and uncompressed vectors", disk=size(plan.disk_gib)),
    ]  # fmt: skip
    if plan.nodes:
        lines.append(say("query nodes: {nodes} with {gib} GiB each", nodes=plan.nodes, gib=plan.node_gib))
    for line in [*lines, *_embedding(plan)]:
        page.line(line, indent=_INDENT, hanging=_INDENT)


def _embedding(plan: CapacityPlan) -> list[Phrase]:
    """How long embedding lasts, on the CPU and on the card."""
    said = [say("embedding: {span} on {device}", span=time_span(plan.embed_cpu), device=plan.embed_cpu.card)]
    if plan.embed_card is not None:
        said.append(
            say(
                "embedding: {span} on one {device}; cards for a day: {cards}",
                span=time_span(plan.embed_card),
                device=plan.embed_card.card,
                cards=_span(plan),
            )
        )
    return said


def _notes(page: Page, plans: Sequence[CapacityPlan]) -> None:
    page.console.print()
    devices = [plans[0].embed_cpu.card, *([plans[0].embed_card.card] if plans[0].embed_card else [])]
    page.line(
        say("Embedding with {embedder} on: {devices}; from a fast to a slow stack of software.",
            embedder=plans[0].embedder, devices=listed(devices)),
        hanging=_INDENT,
    )  # fmt: skip
    for caveat in dict.fromkeys(caveat for plan in plans for caveat in plan.caveats):
        page.line(say("- {text}", text=caveat), hanging=_INDENT)
    page.line(say("Sources: {sources}", sources=joined(_named(plans))), hanging=_INDENT)


def _named(plans: Sequence[CapacityPlan]) -> list[str]:
    """Those of documentation and books; the rest was measured on this project."""
    return [
        source for source in plans[0].sources if "advisor/" not in source and "this project" not in source
    ]


def _span(plan: CapacityPlan) -> str:
    assert plan.cards_for_a_day is not None
    fast, _, slow = plan.cards_for_a_day
    return f"{fast:,}" if fast == slow else f"{fast:,}–{slow:,}"


def size(gib: float) -> str:
    """In the unit that a person would use."""
    if gib < 1:
        return f"{max(1.0, gib * 1024):,.0f} MiB"
    return f"{gib:,.1f} GiB" if gib < 10 else f"{gib:,.0f} GiB" if gib < 1024 else f"{gib / 1024:,.1f} TiB"
