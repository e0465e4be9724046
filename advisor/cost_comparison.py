"""What each way to adapt costs for one model and one volume of questions: to build, a question, a month, an update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .catalog import find_model
from .cost import Hosted, Prices, QueryTokens, build_cost, query_cost, query_tokens
from .duration import embedding_time, in_all, training_time
from .running_cost import BreakEven, Running, break_even, break_even_by_updates, monthly_cost
from .setups import Card, CostEstimate, ModelSpec, TimeEstimate, TrainSetup

UPDATE_DAYS = (1.0, 7.0, 30.0, 365.0)
_STRATEGIES = ("prompt_only", "long_context", "rag", "finetune", "hybrid")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostWishes:
    """What is asked of the comparison. `changed_share` of the documents is embedded anew with each update."""

    queries_per_day: float = 1000.0
    corpus_tokens: int = 0
    examples: int = 1000  # that a tuned model is trained on
    train: TrainSetup = TrainSetup()
    epochs: float = 3.0
    update_days: float | None = None
    changed_share: float = 0.1
    months: float = 12.0  # over which building is spread
    answer_tokens: int = 150
    concurrent: int = 8
    weight_dtype: str = "bf16"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One way to adapt on one kind of hosting; `usd_a_month` None where a price is missing."""

    strategy: str
    tokens: QueryTokens
    cost: CostEstimate
    build: TimeEstimate | None
    usd_per_update: float | None
    usd_a_month: float | None
    running: Running | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turning:
    """Where the cheapest option at the asked volume meets another one; `by_updates` with how often documents change."""

    cheapest: CostRow
    other: CostRow
    found: BreakEven
    by_updates: tuple[tuple[float, BreakEven], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostComparison:
    model: ModelSpec
    card: Card | None
    wishes: CostWishes
    rows: tuple[CostRow, ...]  # cheapest a month first, unknown ones last
    turnings: tuple[Turning, ...]


def compare_costs(
    model: ModelSpec, wishes: CostWishes, *, prices: Prices | None = None, card: Card | None = None
) -> CostComparison:
    """Each strategy that can work, on the card and with the API whose prices are given.

    A tuned model is trained again for each update; beside retrieval it is not, since the facts stand in the index.
    """
    prices = prices or Prices()
    rows = [
        _row(strategy, model, wishes, prices, card, hosted)
        for strategy in _possible(model, wishes)
        for hosted in _hosting(prices, card)
    ]
    rows.sort(key=lambda row: (row.usd_a_month is None, row.usd_a_month or 0.0))
    return CostComparison(
        model=model, card=card, wishes=wishes, rows=tuple(rows), turnings=tuple(_turnings(rows, wishes))
    )


def _possible(model: ModelSpec, wishes: CostWishes) -> list[str]:
    """Retrieval needs documents, and long context documents that fit the window."""
    window = model.context_tokens or 0
    left_out = set()
    if not wishes.corpus_tokens:
        left_out |= {"long_context", "rag", "hybrid"}
    if query_tokens("long_context", corpus_tokens=wishes.corpus_tokens).prompt > window:
        left_out.add("long_context")
    return [strategy for strategy in _STRATEGIES if strategy not in left_out]


def _hosting(prices: Prices, card: Card | None) -> list[Hosted]:
    found: list[Hosted] = []
    if card is not None:
        found.append("own" if prices.usd_per_kwh is not None else "rented")
    if prices.usd_per_m_input is not None and prices.usd_per_m_output is not None:
        found.append("api")
    return found


def _row(
    strategy: str, model: ModelSpec, wishes: CostWishes, prices: Prices, card: Card | None, hosted: Hosted
) -> CostRow:
    tokens = query_tokens(strategy, corpus_tokens=wishes.corpus_tokens, answer_tokens=wishes.answer_tokens)
    cost = query_cost(
        strategy,
        model,
        prices=prices,
        card=card,
        prompt_tokens=tokens.prompt,
        retrieved_tokens=tokens.retrieved,
        answer_tokens=tokens.answer,
        cached_tokens=tokens.shared,
        queries_per_day=wishes.queries_per_day,
        concurrent=wishes.concurrent,
        weight_dtype=wishes.weight_dtype,
        hosted=hosted,
    )
    embedding, training = _works(strategy, model, wishes, card)
    embed_usd = build_cost(embedding, prices, card=card, hosted=hosted, what="embedding")
    train_usd = build_cost(training, prices, card=card, hosted=hosted, cards=wishes.train.gpus)
    if hosted == "api" and embed_usd is None:
        embed_usd = 0.0  # the documents are embedded at home, which costs cents
    again = train_usd if embedding is None else 0.0
    per_update = None if again is None or embed_usd is None else again + embed_usd * wishes.changed_share
    running = _running(strategy, cost, embed_usd, train_usd, per_update)
    works = [work for work in (embedding, training) if work is not None]
    month = None
    if running is not None:
        month = monthly_cost(
            running, wishes.queries_per_day, update_days=wishes.update_days, months=wishes.months
        )
    return CostRow(
        strategy=strategy,
        tokens=tokens,
        cost=cost,
        build=in_all(*works) if works else None,
        usd_per_update=per_update,
        usd_a_month=month,
        running=running,
    )


def _works(
    strategy: str, model: ModelSpec, wishes: CostWishes, card: Card | None
) -> tuple[TimeEstimate | None, TimeEstimate | None]:
    """Embedding the documents, and training; on eight cores where there is no card."""
    cores = None if card is not None else 8
    embedding = training = None
    if strategy in ("rag", "hybrid"):
        embedding = embedding_time(wishes.corpus_tokens, find_model("minilm"), card=card, cpu_cores=cores)
    if strategy in ("finetune", "hybrid"):
        training = training_time(
            model, wishes.train, rows=wishes.examples, epochs=wishes.epochs, card=card, cpu_cores=cores
        )
    return embedding, training


def _running(
    strategy: str, cost: CostEstimate, embed: float | None, train: float | None, per_update: float | None
) -> Running | None:
    if cost.per_1000_queries_usd is None or embed is None or train is None or per_update is None:
        return None
    name = f"{strategy}, {cost.hosted}"
    if cost.card_usd_per_day is not None and cost.queries_per_card_day is not None:
        return Running(
            name=name,
            build_usd=embed + train,
            usd_per_update=per_update,
            card_usd_per_day=cost.card_usd_per_day,
            queries_per_card_day=cost.queries_per_card_day,
        )
    each = cost.per_1000_queries_usd / 1000
    return Running(name=name, build_usd=embed + train, usd_per_update=per_update, usd_per_query=each)


def _turnings(rows: list[CostRow], wishes: CostWishes) -> Iterator[Turning]:
    """Between the cheapest row and others: all of its hosting, and the cheapest of another, where they meet at all."""
    priced = [row for row in rows if row.running is not None]
    elsewhere: set[str] = set()
    for other in priced[1:]:
        cheapest = priced[0]
        assert cheapest.running is not None and other.running is not None
        if other.cost.hosted != cheapest.cost.hosted:
            if other.cost.hosted in elsewhere:
                continue
            elsewhere.add(other.cost.hosted)
        months = wishes.months
        found = break_even(cheapest.running, other.running, update_days=wishes.update_days, months=months)
        by_updates = break_even_by_updates(cheapest.running, other.running, UPDATE_DAYS, months=months)
        if found.queries_per_day is not None or any(each.queries_per_day for _, each in by_updates):
            yield Turning(cheapest=cheapest, other=other, found=found, by_updates=by_updates)
