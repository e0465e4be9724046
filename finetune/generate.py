"""Writes answers with a causal language model, with or without an adapter, token by token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Queue
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

from finetune.adapter_weights import check_complete, config_of, load_adapter
from finetune.adapters import check_base, check_tokenizer, is_whole, read_card
from finetune.causal import load_causal
from finetune.methods import entry
from finetune.sampling import Sampling
from finetune.schema import AdapterCard
from finetune.starting import LABELLING
from finetune.template import Messages, encode, load_tokenizer, render, stop_tokens
from finetune.weights import resolve_model


class _Cancelled(StoppingCriteria):  # type: ignore[misc,unused-ignore]
    """Ends generation when nobody reads on: a closed browser must not keep a processor busy."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.full((input_ids.shape[0],), self.asked.is_set(), device=input_ids.device)


class TransformersGenerator:
    """A loaded model. `name` and `adapter` say what it is; `stream` writes one answer."""

    def __init__(
        self,
        *,
        name: str,
        adapter: str | None,
        model: Any,
        tokenizer: Any,
        max_new_tokens: int,
        virtual_tokens: int = 0,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.model = model
        self.tokenizer = tokenizer
        self.max_new_tokens = max_new_tokens
        self._virtual_tokens = virtual_tokens  # that a soft prompt puts before each prompt
        self.stops = stop_tokens(tokenizer, model.generation_config)
        self._one_at_a_time = threading.Lock()

    @property
    def context_tokens(self) -> int | None:
        """The longest prompt and answer together, in tokens; None where the model states none."""
        context = getattr(self.model.config, "max_position_embeddings", None)
        return context - self._virtual_tokens if isinstance(context, int) and context > 0 else None

    def count_tokens(self, text: str) -> int:
        """Tokens of a text in this model's vocabulary, without special ones."""
        return len(encode(self.tokenizer, text))

    def stream(
        self,
        messages: Messages,
        *,
        question: str = "",
        evidence: object = None,
        prepare: Callable[[], None] | None = None,
    ) -> Iterator[str]:
        """The answer in pieces of text; greedy, so the same prompt gives the same answer.

        A model that writes has no use for `question` and `evidence`; generators that quote take them. `prepare` is
        called when no other answer is being written, right before this one.
        Raises ValueError when the prompt does not fit the model's context, and whatever generation raises.
        """
        prompt = encode(self.tokenizer, render(self.tokenizer, messages, answering=True))
        room = self._room(len(prompt))
        with self._one_at_a_time:
            if prepare is not None:
                prepare()
            yield from self._pieces(torch.tensor([prompt], device=self.model.device), room)

    def batch(
        self, prompts: Sequence[Sequence[int]], prepare: Callable[[], object], **options: Any
    ) -> list[str]:
        """One answer for each prompt in tokens, all at once; `options` go to the model's generate."""
        longest = max(len(prompt) for prompt in prompts)
        room, pad = self._room(longest), self.tokenizer.pad_token_id
        # On the left: an answer goes on where its prompt ends.
        ids = [[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        device = self.model.device
        with self._one_at_a_time, torch.inference_mode():
            prepare()
            written = self.model.generate(
                input_ids=torch.tensor(ids, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=room,
                eos_token_id=sorted(self.stops),
                pad_token_id=pad,
                **{"do_sample": False, **options},
            )
        answers = written[:, longest:].tolist()
        return [str(self.tokenizer.decode(answer, skip_special_tokens=True)) for answer in answers]

    def samples(self, messages: Messages, count: int, sampling: Sampling) -> list[str]:
        """`count` answers drawn in one batch; the same seed draws the same ones. Raises as `stream` does."""
        prompt = encode(self.tokenizer, render(self.tokenizer, messages, answering=True))
        cards = range(torch.cuda.device_count()) if self.model.device.type == "cuda" else ()
        with torch.random.fork_rng(devices=cards):  # the caller's random numbers stay as they were
            return self.batch(
                [prompt] * count,
                lambda: torch.manual_seed(sampling.seed),
                do_sample=True,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=0,  # else the first 50 tokens alone are drawn from
            )

    def _room(self, prompt_tokens: int) -> int:
        context = self.context_tokens
        if context is None:
            return self.max_new_tokens
        if prompt_tokens >= context:
            raise ValueError(
                f"The prompt has {prompt_tokens} tokens, but '{self.name}' reads {context}; "
                "retrieve fewer passages (a smaller k), shorten the history, or take a model that reads more."
            )
        return min(self.max_new_tokens, context - prompt_tokens)

    def _pieces(self, prompt: torch.Tensor, room: int) -> Iterator[str]:
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        cancelled, failure = _Cancelled(), Queue[BaseException](maxsize=1)

        def work() -> None:
            try:
                self._generate(prompt, room, streamer, cancelled)
            except BaseException as error:  # handed to the reader, who raises it
                failure.put(error)
                streamer.end()  # type: ignore[no-untyped-call]

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            yield from (piece for piece in streamer if piece)
        finally:
            cancelled.asked.set()
            worker.join()
        if not failure.empty():
            raise failure.get()

    def _generate(self, prompt: torch.Tensor, room: int, streamer: Any, cancelled: _Cancelled) -> None:
        with torch.inference_mode():
            self.model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=room,
                do_sample=False,
                eos_token_id=sorted(self.stops),
                pad_token_id=self.tokenizer.pad_token_id,
                streamer=streamer,
                stopping_criteria=StoppingCriteriaList([cancelled]),
            )


def load_generator(
    model: str,
    adapter: str | Path | None = None,
    *,
    max_new_tokens: int = 512,
    device: str | None = None,
    dtype: str | None = None,
) -> TransformersGenerator:
    """Loads a causal language model (folder or hub name) and, if given, an adapter trained on it.

    `dtype` is a torch name ("bfloat16"); by default the stored one on a card and float32 on a CPU. An
    adapter trained
    over a 4-bit base (qlora) runs on the 16- or 32-bit one. Raises ValueError, OSError or ImportError in
    one line, also for an adapter that was trained on other weights.
    """
    folder = resolve_model(model)
    if adapter is not None:
        _check_adapter(adapter, folder)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    card = None if adapter is None else read_card(adapter)
    whole = card is not None and is_whole(card)
    loaded = load_causal(
        Path(str(adapter)) if whole else folder, dtype=dtype or ("float32" if device == "cpu" else "auto")
    )
    if card is not None and not whole:
        loaded = load_adapter(loaded, Path(str(adapter)), card)
    loaded.to(device)
    return TransformersGenerator(
        name=model,
        adapter=None if adapter is None else str(adapter),
        model=loaded,
        # A run saves its tokenizer and chat template beside the weights: answers keep the layout of training.
        tokenizer=load_tokenizer(folder if adapter is None else Path(adapter)),
        max_new_tokens=max_new_tokens,
        virtual_tokens=_virtual_tokens(card),
    )


def _virtual_tokens(card: AdapterCard | None) -> int:
    if card is None or not entry(card.method).virtual_tokens:
        return 0
    return config_of(card).virtual_tokens


DOES = {
    "classify": "classifies texts",
    "embed": "makes vectors of texts",
    "span_qa": "marks answers in passages",
}


def _check_adapter(adapter: str | Path, folder: Path) -> None:
    card = read_card(adapter)
    if card.objective in LABELLING:
        does = DOES.get(card.objective, "scores answers")
        raise ValueError(f"'{adapter}' {does} and writes none; give an adapter of the objective 'sft'.")
    check_base(card, folder)
    check_tokenizer(adapter, folder)
    check_complete(Path(adapter))
