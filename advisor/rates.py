"""What hardware and software achieve of their data sheets, by facts/rates.toml: on a slow, a usual, a fast stack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from .catalog import read_facts
from .setups import Card

End = Literal["low", "value", "high"]
ENDS: tuple[End, ...] = ("low", "value", "high")
_GEFORCE = re.compile(r"RTX \d{4}(?!.* Ada)")  # RTX 6000 Ada and its like are workstation cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a stack of software achieves: shares of peak rates, seconds per kernel, bytes a second between cards."""

    name: End
    matmul: float
    embedding: float  # share of what products reach, as `matmul`
    splitting: float  # tokens a second that the processor makes of text for a card
    bandwidth: float
    elementwise: float  # bytes moved, against those of eager kernels
    launch: float  # seconds per kernel
    bitsandbytes: float  # share of the bandwidth when weights are dequantised
    gptq: float
    link: float
    training_core: float  # operations a second
    embedding_core: float
    decoding: float  # share of the bandwidth


@cache
def rate(key: str, end: End = "value") -> float:
    """A figure of facts/rates.toml; a row without that end has one value."""
    for row in read_facts("rates"):
        if row["key"] == key:
            return float(row.get(end, row["value"]))
    raise KeyError(f"facts/rates.toml has no row {key!r}")


@cache
def stack(end: End) -> Stack:
    """The slow ('low'), the usual ('value') or the fast ('high') stack."""
    return Stack(
        name=end,
        matmul=rate("matmul in training", end),
        embedding=rate("matmul in embedding", end),
        splitting=rate("tokens split", end),
        bandwidth=rate("bandwidth in training", end),
        elementwise=rate("elementwise traffic", end),
        launch=rate("launch", end),
        bitsandbytes=rate("dequantise bitsandbytes", end),
        gptq=rate("dequantise gptq", end),
        link=rate("link", end),
        training_core=rate("core in training", end),
        embedding_core=rate("core in embedding", end),
        decoding=rate("bandwidth in decoding", end),
    )


@cache
def matmul_limit(card: Card, end: End = "value") -> float:
    """Operations a second that a matrix product reaches at best: the measured share of the data sheet's peak."""
    measured = [str(row["key"]).removeprefix("matmul ") for row in read_facts("rates")]
    found = [name for name in measured if re.match(rf"{re.escape(name)}([ -]|$)", card.name)]
    other = "GeForce" if _GEFORCE.match(card.name) else "other"
    return card.tflops_16bit * 1e12 * rate(f"matmul {max(found, key=len, default=other)}", end)
