"""The section of RESULTS.md on alignment, from the runs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

WANTED_WIN, WANTED_ACCURACY = 0.8, 0.9
_HOW = """
A Llama of two layers of width 128, trained here on 120 invented facts, answers in eight manners: with or without the
right source, short or with a filler sentence, with or without a polite end. All four begin at a LoRA adapter on it
(SFT). An answer with the right fact earns a point, and one each for the source, for being short and for the polite end;
a wrong fact or a malformed answer earns none. Preferences are the SFT adapter's own answers to 144 training questions,
judged by that rule; GRPO and PPO see the reward model alone, never the rule. Judged on 72 questions on whose facts no
adapter was trained (the base knows them), 16 answers each at temperature 1, every one against the SFT adapter's 16 to
the same question, ties half; the interval (95 %, of the first seed) draws questions. The SFT adapter earns all four in
{best:.0%} of its answers, so the highest possible win rate is {ceiling:.1%}. KL: nats for an answer, over the tuned
model's own answers. Means over {seeds} seeds ± standard deviation, which differ in the preferences that were sampled,
the reward model and the run; base and SFT adapter are the same. One thread.
"""
_CHOSEN = """
Chosen on the 24 questions of dev with seed 0, by win rate. Before that the world and the settings were changed while
looking at dev (trials that no script keeps): filler sentences were twice as long at first, adapters stood in all layers
and then in the attention alone, and DPO learned from every better and worse pair at beta 0.1 to 1. Plain DPO hardly
moved (51 to 57 %) or fell to 17 to 45 % with malformed answers, and PPO fell to 7 to 35 % at its first three settings.
None of the four keeps every fact: some answers that were right before are wrong after tuning.
"""


def report(title: str, made: Mapping[str, Any], picture: str) -> list[str]:
    """The lines of the section."""
    finals, rewards = made["finals"], made["rewards"]
    before = next(iter(finals.values()))[0]["before"]
    how = _HOW.format(best=before["best"], ceiling=1 - before["best"] / 2, seeds=len(rewards))
    return [
        f"## {title}",
        "",
        textwrap.fill(" ".join(how.split()), 120),
        "",
        "| | win rate over SFT | interval | right facts | points of 4 | everything | KL to SFT | rate | steps | s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        f"| SFT | 50 % | | {before['right']:.1%} | {before['points']:.2f} | {before['best']:.0%} | 0 | | | |",
        *(_line(name, rows) for name, rows in finals.items()),
        "",
        _reward_line(rewards),
        "",
        textwrap.fill(" ".join(_CHOSEN.split()), 120),
        "",
        "| tried on dev | win rate | right facts | KL to SFT |",
        "|---|---:|---:|---:|",
        *(_tried(row) for rows in made["dev"].values() for row in rows),
        "",
        f"Wanted: a win rate of at least {WANTED_WIN:.0%} and a reward model of at least {WANTED_ACCURACY:.0%}: "
        f"{_verdict(made)}",
        "",
        f"Picture: docs/{picture}. Made by `benchmarks/alignment.py`; finished runs are kept in "
        "`benchmarks/alignment_runs.jsonl`.",
        "",
        " / ".join(sorted({row["on"] for rows in finals.values() for row in rows})),
    ]


def _line(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    first = rows[0]
    cells = [
        _spread([100 * row["win"] for row in rows], "{:.1f}") + " %",
        f"{100 * first['low']:.1f} to {100 * first['high']:.1f} %",
        f"{mean(row['right'] for row in rows):.1%}",
        f"{mean(row['points'] for row in rows):.2f}",
        f"{mean(row['best'] for row in rows):.0%}",
        _spread([row["kl"] for row in rows], "{:.2f}"),
        f"{first['asked']['settings']['learning_rate']:g}",
        str(first["steps"]),
        f"{mean(row['seconds'] for row in rows):.0f}",
    ]
    return f"| {_named(name, first)} | {' | '.join(cells)} |"


def _named(objective: str, row: Mapping[str, Any]) -> str:
    loss = row["asked"]["settings"].get("preference_loss")
    return objective.upper() + (f" ({loss})" if loss else "")


def _tried(row: Mapping[str, Any]) -> str:
    asked = row["asked"]
    name = f"{_named(asked['objective'], row)}, rate {asked['settings']['learning_rate']:g}"
    return f"| {name} | {row['win']:.1%} | {row['right']:.1%} | {row['kl']:.2f} |"


def _reward_line(rewards: Sequence[Mapping[str, Any]]) -> str:
    shares = [100 * row["accuracy"] for row in rewards]
    held = ", ".join(str(row["held"]) for row in rewards)
    return (
        f"The reward model (LoRA on the base and a head, {mean(row['seconds'] for row in rewards):.0f} s) ranks "
        f"{_spread(shares, '{:.1f}')} % of the pairs on held-out facts right ({held} pairs)."
    )


def _spread(values: Sequence[float], form: str) -> str:
    shown = form.format(mean(values))
    return f"{shown} ± {form.format(stdev(values))}" if len(values) > 1 else shown


def _verdict(made: Mapping[str, Any]) -> str:
    short = [
        f"{name.upper()} {mean(row['win'] for row in rows):.1%}"
        for name, rows in made["finals"].items()
        if mean(row["win"] for row in rows) < WANTED_WIN
    ]
    accuracy = mean(row["accuracy"] for row in made["rewards"])
    short += [f"the reward model {accuracy:.1%}"] if accuracy < WANTED_ACCURACY else []
    return f"NOT reached by {', '.join(short)}." if short else "reached by all."
