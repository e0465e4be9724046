"""Measures how much each open question moves the recommendation over many situations, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from dataclasses import fields, replace

from results import RESULTS, machine, tell

from advisor.confidence import loss_of_staying
from advisor.contradictions import contradictions
from advisor.decide import case_of
from advisor.probes import possible, probes
from advisor.ranking import standings
from advisor.schema import Needs

TITLE = "How much each question moves the answer"
_MOST_KNOWN = 5  # answers that are given already


def situation(rng: random.Random) -> Needs:
    """A few answers, drawn from those that are tried."""
    chosen = rng.sample(probes(), rng.randint(0, _MOST_KNOWN))
    return replace(Needs(), **{probe.key: probe.value for probe in chosen})


def effects(count: int, seed: int = 7) -> dict[str, float]:
    """Points lost on average, over situations and answers, by keeping the strategy that was best without the answer."""
    rng, lost, seen = random.Random(seed), defaultdict[str, float](float), defaultdict[str, int](int)
    for _ in range(count):
        needs = situation(rng)
        if contradictions(needs):
            continue
        case = case_of(None, None, needs)
        best, by_key = standings(case)[0], defaultdict[str, list[float]](list)
        for probe, other in possible(case):
            if getattr(needs, probe.key) is None:
                by_key[probe.key].append(loss_of_staying(best, standings(other)))
        for key, losses in by_key.items():
            lost[key] += sum(losses) / len(losses)
            seen[key] += 1
    found = {item.name: lost[item.name] / seen[item.name] for item in fields(Needs) if seen[item.name]}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def section(found: dict[str, float], count: int) -> str:
    lines = [
        f"## {TITLE}",
        "",
        f"Mean over {count} situations with up to {_MOST_KNOWN} answers known, in points.",
        "",
    ]
    lines += [
        "| question | points |",
        "|---|---:|",
        *(f"| {key} | {points:.2f} |" for key, points in found.items()),
    ]
    return "\n".join([*lines, "", machine()]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--situations", type=int, default=1000)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    text = section(effects(chosen.situations), chosen.situations)
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
