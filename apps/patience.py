"""Tries again what may pass: a server that is busy, slow or restarting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

logger = logging.getLogger(__name__)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often, and how long to wait before the second try; twice as long before each further one."""

    tries: int
    wait_s: float

    def ask(self, work: Callable[[], Found]) -> Found:
        """What `work` gives. Raises the last ConnectionError or TimeoutError with the number of tries."""
        wait = self.wait_s
        for tried in range(1, self.tries + 1):
            try:
                return work()
            except (ConnectionError, TimeoutError) as error:
                if tried == self.tries:
                    reason = str(error).rstrip(".")
                    raise ConnectionError(f"{reason} ({tried} tries)") from error
                logger.info("%s; trying again in %.0f s", error, wait)
            time.sleep(wait)
            wait *= 2
        raise ValueError(f"{self.tries} tries are none; give 1 or more.")
