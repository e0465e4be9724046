"""What an option costs: dollars to build it and for each 1,000 questions, on an own card, a rented one or an API.

No price is built in except a card's typical rent (facts/gpus.toml); what the user gave no price for stays None.
How long work takes stands in duration.py, what options cost over months in running_cost.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal

from .answering import answer_seconds
from .duration import embedding_time, training_time
from .phrase import Phrase, say
from .rates import rate
from .setups import Card, CostEstimate, ModelSpec, TimeEstimate

__all__ = ["Prices", "build_cost", "embedding_time", "query_cost", "query_tokens", "training_time"]

Hosted = Literal["own", "rented", "api"]
_HOURS_A_DAY = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars as the user pays them; None = not given. Tokens are priced per million."""

    usd_per_m_input: float | None = None
    usd_per_m_output: float | None = None
    usd_per_m_cached_input: float | None = None
    usd_per_m_tuned_input: float | None = None  # of a tuned model; None = as the base model
    usd_per_m_tuned_output: float | None = None
    usd_per_m_training: float | None = None  # an API's fee per million tokens trained on
    usd_per_m_embedding: float | None = None
    usd_per_gpu_hour: float | None = None  # None = the card's typical rent
    usd_per_kwh: float | None = None
    watts: float | None = None  # of the own card under load

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} is {value:g}; give dollars of 0 or more, or leave it out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTokens:
    """Tokens of one question: what precedes every question alike, what is its own, what is found, what is answered."""

    shared: int
    question: int
    retrieved: int
    answer: int

    @property
    def prompt(self) -> int:
        """Everything that is read and not retrieved."""
        return self.shared + self.question


def query_tokens(
    strategy: str,
    *,
    corpus_tokens: int = 0,
    instruction_tokens: int = 600,
    question_tokens: int = 40,
    retrieved_tokens: int = 1080,
    answer_tokens: int = 150,
) -> QueryTokens:
    """What a strategy puts into the prompt: a tuned model needs no instructions, long context reads the whole corpus.

    The defaults are 6 passages of 180 tokens, as rag/ retrieves them, and a page of instructions with examples.
    """
    tuned = strategy in ("finetune", "continued_pretraining", "hybrid")
    shared = 0 if tuned else instruction_tokens
    return QueryTokens(
        shared=shared + (corpus_tokens if strategy == "long_context" else 0),
        question=question_tokens,
        retrieved=retrieved_tokens if strategy in ("rag", "hybrid") else 0,
        answer=answer_tokens,
    )


def query_cost(
    strategy: str,
    model: ModelSpec,
    *,
    prices: Prices | None = None,
    card: Card | None = None,
    retrieved_tokens: int = 0,
    prompt_tokens: int = 640,
    answer_tokens: int = 150,
    cached_tokens: int = 0,
    queries_per_day: float | None = None,
    concurrent: int = 8,
    weight_dtype: str = "bf16",
    build: TimeEstimate | None = None,
    hosted: Hosted | None = None,
) -> CostEstimate:
    """Dollars for 1,000 questions and, where `build` is given, for building.

    `cached_tokens` of the prompt are kept from question to question. Where `queries_per_day` is known a card is paid
    for around the clock; otherwise for the time it works, divided by the share of a day that cards are found busy.
    """
    prices = prices or Prices()
    hosted = hosted or _hosting(prices, card)
    tokens = _checked(prompt_tokens, retrieved_tokens, answer_tokens, cached_tokens)
    card_day: tuple[float | None, float | None] = (None, None)
    if hosted == "api":
        each, said = _api(strategy, prices, *tokens)
    else:
        each, said, card_day = _card(
            model, prices, card, hosted, tokens, queries_per_day, concurrent, weight_dtype
        )
    return CostEstimate(
        build_usd=build_cost(build, prices, card=card, hosted=hosted),
        per_1000_queries_usd=None if each is None else 1000 * each,
        prompt_tokens=prompt_tokens,
        retrieved_tokens=retrieved_tokens,
        answer_tokens=answer_tokens,
        hosted=hosted,
        assumptions=said,
        card_usd_per_day=card_day[0],
        queries_per_card_day=card_day[1],
    )


def build_cost(
    work: TimeEstimate | None,
    prices: Prices,
    *,
    card: Card | None = None,
    hosted: Hosted = "rented",
    cards: int = 1,
) -> float | None:
    """Dollars for `work`: the API's training fee, rent, or power; 0 where nothing is built, None without a price."""
    if work is None:
        return 0.0
    if hosted == "api":
        return None if prices.usd_per_m_training is None else work.tokens * prices.usd_per_m_training / 1e6
    hour = hourly_usd(prices, card, hosted)
    return None if hour is None else work.hours * cards * hour


def hourly_usd(prices: Prices, card: Card | None, hosted: Hosted) -> float | None:
    """Dollars for one hour of one card: rent, or the power that it draws."""
    if hosted == "own":
        if prices.usd_per_kwh is None or prices.watts is None:
            return None
        return prices.usd_per_kwh * prices.watts / 1000
    if prices.usd_per_gpu_hour is not None:
        return prices.usd_per_gpu_hour
    return card.usd_per_hour if card is not None else None


def _hosting(prices: Prices, card: Card | None) -> Hosted:
    if card is None and prices.usd_per_m_input is not None:
        return "api"
    return "own" if prices.usd_per_kwh is not None else "rented"


def _checked(prompt: int, retrieved: int, answer: int, cached: int) -> tuple[int, int, int, int]:
    for name, value in (("prompt", prompt), ("retrieved", retrieved), ("answer", answer), ("cached", cached)):
        if value < 0:
            raise ValueError(f"{name}_tokens is {value}; give 0 or more.")
    if cached > prompt:
        raise ValueError(
            f"cached_tokens is {cached}, more than the {prompt} tokens of the prompt; give a part of it."
        )
    return prompt, retrieved, answer, cached


def _api(
    strategy: str, prices: Prices, prompt: int, retrieved: int, answer: int, cached: int
) -> tuple[float | None, tuple[Phrase, ...]]:
    """Tokens times prices; cached ones at their own price where it was given."""
    tuned = strategy in ("finetune", "continued_pretraining", "hybrid")
    read, write = prices.usd_per_m_input, prices.usd_per_m_output
    if tuned:
        read = prices.usd_per_m_tuned_input if prices.usd_per_m_tuned_input is not None else read
        write = prices.usd_per_m_tuned_output if prices.usd_per_m_tuned_output is not None else write
    if read is None or write is None:
        return None, (say("no price per token was given"),)
    kept = read if prices.usd_per_m_cached_input is None else prices.usd_per_m_cached_input
    dollars = ((prompt - cached + retrieved) * read + cached * kept + answer * write) / 1e6
    return dollars, (say("${read:g} per million tokens read, ${write:g} written", read=read, write=write),)


def _card(
    model: ModelSpec,
    prices: Prices,
    card: Card | None,
    hosted: Hosted,
    tokens: tuple[int, int, int, int],
    queries_per_day: float | None,
    concurrent: int,
    weight_dtype: str,
) -> tuple[float | None, tuple[Phrase, ...], tuple[float | None, float | None]]:
    """Seconds of card for one question times its price, or whole days of as many cards as the volume needs.

    Then, of a rented card, dollars a day and the questions that it answers in one.
    """
    prompt, retrieved, answer, cached = tokens
    hour = hourly_usd(prices, card, hosted)
    if card is None or hour is None:
        return None, (say("no price of the hardware is known"),), (None, None)
    seconds = answer_seconds(
        model, card, read_tokens=prompt - cached + retrieved, kept_tokens=cached, answer_tokens=answer,
        concurrent=concurrent, weight_dtype=weight_dtype,
    )  # fmt: skip
    said = [
        say("{seconds:.2f} s of {card} for one question, {concurrent} answered together",
            seconds=seconds, card=card.name, concurrent=concurrent),
        say("${hour:.2f} an hour for the card", hour=hour),
    ]  # fmt: skip
    if hosted == "own":
        said.append(say("only the power of the card under load is counted"))
        return seconds / 3600 * hour, tuple(said), (None, None)
    day = (_HOURS_A_DAY * hour, _HOURS_A_DAY * 3600 / seconds)
    if queries_per_day:
        cards = math.ceil(queries_per_day * seconds / 3600 / _HOURS_A_DAY)
        said.append(say("{cards} cards rented around the clock", cards=cards))
        return cards * _HOURS_A_DAY * hour / queries_per_day, tuple(said), day
    share = rate("share of the day in use")
    said.append(say("the card works {share:.0%} of the hours that are paid", share=share))
    return seconds / 3600 * hour / share, tuple(said), day
