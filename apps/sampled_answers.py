"""Several answers to each question, drawn from the assistant as it stands and kept, so that none is drawn twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from apps.asked_questions import AskedQuestion
from apps.kept_lines import KeptLines
from apps.patience import Patience

if TYPE_CHECKING:
    from apps.assistant import Assistant
    from finetune.sampling import Sampling

Progress = Callable[[str, int, int], None]


class Sampler(Protocol):
    """A generator that can draw: a model on this machine or an OpenAI-compatible server."""

    name: str
    adapter: str | None

    def samples(self, messages: Sequence[Any], count: int, sampling: Sampling) -> list[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The prompt as the model read it, and its different answers. No prompt: the documents are too far from it."""

    question: str
    prompt: tuple[dict[str, str], ...] = ()
    answers: tuple[str, ...] = ()


def draw_answers(
    questions: Sequence[AskedQuestion],
    assistant: Assistant,
    kept: KeptLines,
    *,
    count: int,
    sampling: Sampling,
    patience: Patience,
    progress: Progress,
) -> list[Drawn]:
    """`count` answers to each question, without empty ones and repetitions. Raises ValueError where nothing draws."""
    if count < 2:
        raise ValueError(f"--samples is {count}; give 2 or more, for answers are compared.")
    if not hasattr(assistant.generator, "samples"):
        raise ValueError(f"'{assistant.generator.name}' writes no answers of its own; give --model NAME.")
    sampler = cast(Sampler, assistant.generator)
    found = []
    for at, question in enumerate(questions):
        progress("sample", at, len(questions))
        prompt = assistant.prompt(question.text, question.history)
        if prompt is None:
            found.append(Drawn(question=question.text))
            continue
        drawn = _kept(sampler, prompt, count, sampling, kept, patience)
        different = tuple(dict.fromkeys(text for answer in drawn if (text := answer.strip())))
        found.append(Drawn(question=question.text, prompt=tuple(prompt), answers=different))
    progress("sample", len(questions), len(questions))
    return found


def _kept(
    sampler: Sampler,
    prompt: list[dict[str, str]],
    count: int,
    sampling: Sampling,
    kept: KeptLines,
    patience: Patience,
) -> list[str]:
    key = digest("answers", identity(sampler), prompt, count, asdict(sampling))
    if (row := kept.get(key)) is not None:
        return list(row["answers"])
    answers = patience.ask(lambda: sampler.samples(prompt, count, sampling))
    kept.put(key, {"answers": answers, "by": sampler.name})
    return answers


def identity(generator: Any) -> list[str]:
    """What tells this generator from another: its name and server, and which training made its adapter."""
    found = [str(generator.name), str(getattr(generator, "url", ""))]
    if generator.adapter:
        from finetune import read_card

        card = read_card(generator.adapter)
        found += [card.base_hash, card.data_hash, card.created]
    return found


def digest(*parts: Any) -> str:
    """A key that changes with every word of what it stands for."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()[:32]
