"""How answers are drawn where one alone, the likeliest, is not enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Temperature above 0, the share of likely tokens to draw from (1 = all), and the seed of the draw."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"The temperature is {self.temperature}; give more than 0, such as 0.7.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; give more than 0 and at most 1.")
