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
from .rates import ENDS, rate
from .setups import Card, CostEstimate, ModelSpec, TimeEstimate

__all__ = ["Prices", "build_cost", "embedding_time", "query_cost", "query_tokens", "training_time"]

Hosted = Literal["own", "rented", "api"]
TUNED = ("finetune", "continued_pretraining", "hybrid")
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
    shared = 0 if strategy in TUNED else instruction_tokens
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

    `cached_tokens` of the prompt are kept from question to question. Where `queries_per_day` is known, as many cards as
    it takes are rented around the clock; otherwise one is paid for the time that it works, divided by the share of the
    day that cards are found busy. Raises ValueError for counts that make no sense.
    """
    prices = prices or Prices()
    hosted = hosted or _hosting(prices, card)
    _check(prompt_tokens, retrieved_tokens, answer_tokens, cached_tokens, queries_per_day, concurrent)
    each: float | None
    day: tuple[float | None, float | None] = (None, None)
    hour = None if hosted == "api" else hourly_usd(prices, card, hosted)
    if hosted == "api":
        each, said = _api_usd(
            strategy, prices, prompt_tokens - cached_tokens + retrieved_tokens, cached_tokens, answer_tokens
        )
    elif card is None or hour is None:
        each, said = None, (_no_price(hosted),)
    else:
        seconds, timed = _seconds(
            model,
            card,
            prompt_tokens + retrieved_tokens,
            cached_tokens,
            answer_tokens,
            concurrent,
            weight_dtype,
        )
        each, priced = _card_usd(seconds, hour, hosted, queries_per_day)
        said = (timed, *priced)
        day = (_HOURS_A_DAY * hour, _HOURS_A_DAY * 3600 / seconds) if hosted == "rented" else day
    return CostEstimate(
        build_usd=build_cost(build, prices, card=card, hosted=hosted),
        per_1000_queries_usd=None if each is None else 1000 * each,
        prompt_tokens=prompt_tokens,
        retrieved_tokens=retrieved_tokens,
        answer_tokens=answer_tokens,
        hosted=hosted,
        assumptions=said,
        card_usd_per_day=day[0],
        queries_per_card_day=day[1],
    )


def build_cost(
    work: TimeEstimate | None,
    prices: Prices,
    *,
    card: Card | None = None,
    hosted: Hosted = "rented",
    cards: int = 1,
    what: Literal["training", "embedding"] = "training",
) -> float | None:
    """Dollars for `work`: an API's fee, rent, or power. 0 where nothing is built, None where its price is not known."""
    if work is None:
        return 0.0
    if hosted == "api":
        fee = prices.usd_per_m_training if what == "training" else prices.usd_per_m_embedding
        return None if fee is None else work.tokens * fee / 1e6
    hour = hourly_usd(prices, card, hosted)
    return None if hour is None else work.hours * cards * hour


def hourly_usd(prices: Prices, card: Card | None, hosted: Hosted) -> float | None:
    """Dollars for one hour of one card: rent, or the power that it draws under load."""
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


def _check(
    prompt: int, retrieved: int, answer: int, cached: int, queries_per_day: float | None, concurrent: int
) -> None:
    counts = {
        "prompt_tokens": prompt,
        "retrieved_tokens": retrieved,
        "answer_tokens": answer,
        "cached_tokens": cached,
    }
    for name, value in counts.items():
        if value < 0:
            raise ValueError(f"{name} is {value}; give 0 or more.")
    if cached > prompt:
        raise ValueError(
            f"cached_tokens is {cached}, more than the prompt's {prompt}; give a part of the prompt."
        )
    if queries_per_day is not None and not (math.isfinite(queries_per_day) and queries_per_day > 0):
        raise ValueError(f"queries_per_day is {queries_per_day:g}; give a number above 0.")
    if concurrent < 1:
        raise ValueError(f"concurrent is {concurrent}; give 1 or more.")


def _api_usd(
    strategy: str, prices: Prices, read: int, kept: int, written: int
) -> tuple[float | None, tuple[Phrase, ...]]:
    """Tokens times prices; those of a tuned model and of cached tokens where they were given."""
    usd_in, usd_out = prices.usd_per_m_input, prices.usd_per_m_output
    if strategy in TUNED:
        usd_in = prices.usd_per_m_tuned_input if prices.usd_per_m_tuned_input is not None else usd_in
        usd_out = prices.usd_per_m_tuned_output if prices.usd_per_m_tuned_output is not None else usd_out
    if usd_in is None or usd_out is None:
        return None, (_no_price("api"),)
    usd_kept = usd_in if prices.usd_per_m_cached_input is None else prices.usd_per_m_cached_input
    said = say(
        "${read:g} for a million tokens read, ${write:g} for a million written", read=usd_in, write=usd_out
    )
    return (read * usd_in + kept * usd_kept + written * usd_out) / 1e6, (said,)


def _seconds(
    model: ModelSpec, card: Card, tokens: int, kept: int, answer: int, concurrent: int, weight_dtype: str
) -> tuple[float, Phrase]:
    """Seconds of the card for one question, and how they are said."""
    low, usual, high = (
        answer_seconds(
            model,
            card,
            read_tokens=tokens - kept,
            kept_tokens=kept,
            answer_tokens=answer,
            concurrent=concurrent,
            weight_dtype=weight_dtype,
            end=end,
        )
        for end in ENDS
    )
    said = say(
        "{usual:.2f} s ({fast:.2f} to {slow:.2f}) of {card} for a question, {concurrent} answered together",
        usual=usual,
        fast=high,
        slow=low,
        card=card.name,
        concurrent=concurrent,
    )
    return usual, said


def _card_usd(
    seconds: float, hour: float, hosted: Hosted, queries_per_day: float | None
) -> tuple[float, tuple[Phrase, ...]]:
    """Dollars for one question that takes a card so many seconds."""
    if hosted == "own":
        said = say("${hour:.2f} an hour for the card's power; bought already, idle hours left out", hour=hour)
        return seconds / 3600 * hour, (said,)
    rent = say("${hour:.2f} an hour for the card", hour=hour)
    if queries_per_day:
        cards = math.ceil(queries_per_day * seconds / 3600 / _HOURS_A_DAY)
        said = say("cards rented around the clock: {cards}", cards=cards)
        return cards * _HOURS_A_DAY * hour / queries_per_day, (rent, said)
    share = rate("share of the day in use")
    said = say("the card works {share:.0%} of the hours that are paid", share=share)
    return seconds / 3600 * hour / share, (rent, said)


def _no_price(hosted: Hosted) -> Phrase:
    if hosted == "api":
        return say("no price per token was given")
    if hosted == "own":
        return say("neither the card's power in watts nor a price was given")
    return say("no rent of the card is known")
