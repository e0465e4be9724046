"""Who judges answers: a generator that is asked in words, both ways round, or a trained reward model that scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from apps.judging import BETTER, KEPT, compare_messages, grade_messages, read_verdict, reminded
from apps.patience import Patience
from apps.principles import Principles
from apps.sampled_answers import identity

if TYPE_CHECKING:
    from finetune.reward_model import RewardModel

Turns = Sequence[dict[str, str]]
# order: the same place won both times; wavering: once a tie and once not; unread: a reply without a verdict.
Outcome = Literal["first", "second", "tie", "order", "wavering", "unread", "too_long"]
_SHOWN = 80  # characters of a reply without a verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of one pair; `verdicts` are those of the two orders, none for a judge that scores."""

    outcome: Outcome
    verdicts: tuple[str | None, ...] = ()
    said: str = ""  # the beginning of a reply that held no verdict


class Judge(Protocol):
    """`key` tells it from every other judge; `principles` and `grade` are None for one that only ranks."""

    name: str
    key: list[str]
    principles: Principles | None

    def compare(self, prompt: Turns, first: str, second: str) -> Compared: ...

    def grade(self, prompt: Turns, answer: str) -> Compared | None: ...


class WritingJudge:
    """Any generator. Raises ConnectionError when it does not answer after some tries."""

    def __init__(
        self,
        generator: Any,
        principles: Principles,
        *,
        patience: Patience,
        limit_s: float,
        reminders: int = 1,
    ) -> None:
        if getattr(generator, "quotes", False):
            raise ValueError(
                "The extractive generator cannot judge; give --judge a model, a URL or a folder."
            )
        self.name = str(generator.adapter or generator.name)
        self.key = [*identity(generator), principles.digest]
        self.principles: Principles | None = principles
        self._generator, self._principles = generator, principles
        self._patience, self._limit_s, self._reminders = patience, limit_s, reminders

    def compare(self, prompt: Turns, first: str, second: str) -> Compared:
        """Asked twice, the second time with the answers in each other's place."""
        verdicts: list[str] = []
        for one, other in ((first, second), (second, first)):
            messages = compare_messages(self._principles, prompt, one, other)
            if not self._reads(messages):
                return Compared(outcome="too_long")
            verdict, said = self._verdict(messages, BETTER)
            if verdict is None:
                return Compared(outcome="unread", verdicts=(*verdicts, None), said=said)
            verdicts.append(verdict)
        return Compared(outcome=_outcome(*verdicts), verdicts=tuple(verdicts))

    def grade(self, prompt: Turns, answer: str) -> Compared:
        """ "first" where the answer keeps the principles, "second" where it does not."""
        messages = grade_messages(self._principles, prompt, answer)
        if not self._reads(messages):
            return Compared(outcome="too_long")
        verdict, said = self._verdict(messages, KEPT)
        if verdict is None:
            return Compared(outcome="unread", verdicts=(None,), said=said)
        return Compared(outcome="first" if verdict == "up" else "second", verdicts=(verdict,))

    def _verdict(self, messages: Turns, allowed: Sequence[str]) -> tuple[str | None, str]:
        said = ""
        for asked in (messages, *[reminded(messages, allowed)] * self._reminders):
            said = self._patience.ask(lambda asked=asked: self._reply(asked))  # type: ignore[misc]
            if (verdict := read_verdict(said, allowed)) is not None:
                return verdict, ""
        return None, " ".join(said.split())[:_SHOWN]

    def _reply(self, messages: Turns) -> str:
        if hasattr(self._generator, "whole"):  # a server, which may never come to an end
            return str(self._generator.whole(messages, self._limit_s))
        return "".join(self._generator.stream(messages, question=messages[-1]["content"]))

    def _reads(self, messages: Turns) -> bool:
        """Whether the prompt leaves room for a verdict, where the generator says how much it reads."""
        context, count = (getattr(self._generator, name, None) for name in ("context_tokens", "count_tokens"))
        if not context or count is None:
            return True
        room = context - min(getattr(self._generator, "max_new_tokens", 0), context // 4)
        return bool(sum(count(turn["content"]) for turn in messages) <= room)


def _outcome(once: str, swapped: str) -> Outcome:
    if once == swapped:
        return "tie" if once == "tie" else "order"
    if "tie" in (once, swapped):
        return "wavering"
    return "first" if once == "A" else "second"


class ScoringJudge:
    """A trained reward model. It reads one answer at a time, so that there is no order that could count."""

    def __init__(self, model: RewardModel, folder: str | Path) -> None:
        from finetune import read_card

        card = read_card(folder)
        self.name = str(folder)
        self.principles: Principles | None = None
        self.key = ["reward", card.base_hash, card.data_hash, card.created]
        self._model = model
        self._known: dict[tuple[str, str], float] = {}

    def compare(self, prompt: Turns, first: str, second: str) -> Compared:
        one, other = self._score(prompt, first), self._score(prompt, second)
        return Compared(outcome="tie" if one == other else "first" if one > other else "second")

    def grade(self, prompt: Turns, answer: str) -> None:
        """A score has no zero: it says which of two answers is better, not whether one is good."""
        return

    def _score(self, prompt: Turns, answer: str) -> float:
        known = str(prompt), answer
        if known not in self._known:
            turn = {"role": "assistant", "content": answer}
            (self._known[known],) = self._model.score([[*map(dict, prompt), turn]])
        return self._known[known]


def check_judge(name: str) -> str:
    """The kind of judge that a name stands for: server, reward, adapter or model. Raises before anything is loaded."""
    if name.startswith(("http://", "https://")):
        return "server"
    from finetune.adapters import CARD, read_card

    if (Path(name) / CARD).is_file():
        card = read_card(name)
        if card.objective == "classify":
            raise ValueError(
                f"'{name}' labels texts and cannot judge answers; give a model, a URL or a reward model."
            )
        return "reward" if card.objective == "reward" else "adapter"
    from finetune.weights import resolve_model

    resolve_model(name)
    return "model"


def open_judge(
    name: str,
    principles: Principles,
    *,
    patience: Patience,
    limit_s: float,
    max_new_tokens: int,
    reminders: int = 1,
    server_model: str | None = None,
    key: str = "",
    loaded: Any = None,
) -> Judge:
    """Opens the judge. `loaded` is a generator that is open already, taken where the name means that one."""
    kind = check_judge(name)
    if kind == "reward":
        from finetune.reward_model import load_reward_model

        return ScoringJudge(load_reward_model(name), name)
    from apps.generators import make_generator
    from apps.openai_compatible import OpenAICompatible

    if kind == "server":
        generator: Any = OpenAICompatible(name, server_model or "default", key, timeout_s=limit_s)
    elif loaded is not None and (loaded.adapter or loaded.name) == name:
        generator = loaded
    else:
        given = {"adapter": name} if kind == "adapter" else {"model": name}
        generator = make_generator(**given, max_new_tokens=max_new_tokens)
    return WritingJudge(generator, principles, patience=patience, limit_s=limit_s, reminders=reminders)
