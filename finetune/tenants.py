"""Several LoRA adapters on one loaded base: switched in milliseconds, one for each tenant, or several in one batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from finetune.adapter_weights import check_complete
from finetune.adapters import check_base, check_tokenizer, read_card
from finetune.causal import load_causal
from finetune.generate import TransformersGenerator
from finetune.notices import without_library_warnings
from finetune.starting import LABELLING
from finetune.template import Messages, encode, load_tokenizer, render
from finetune.weights import resolve_model

SWITCHED = ("lora", "rslora", "dora", "qlora")  # peft mixes no other kinds on one model
BATCHED = ("lora", "rslora", "qlora")  # peft runs DoRA for a whole batch only


class Tenants:
    """A base with named adapters; None is the base itself. Requests of different tenants wait for one another, so
    that no answer is written by two."""

    def __init__(self, generator: TransformersGenerator, methods: dict[str, str]) -> None:
        self.generator = generator
        self._methods = methods

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._methods)

    def stream(self, messages: Messages, *, tenant: str | None = None) -> Iterator[str]:
        """One answer in pieces, by the tenant's adapter. Raises ValueError for an unknown tenant."""
        self._known(tenant)
        yield from self.generator.stream(messages, prepare=lambda: self._switch(tenant))

    def answers(self, asked: Sequence[tuple[str | None, Messages]]) -> list[str]:
        """One answer for each (tenant, messages), all written in one batch."""
        for tenant, _ in asked:
            self._known(tenant)
            if tenant is not None and self._methods[tenant] not in BATCHED:
                raise ValueError(
                    f"The adapter of '{tenant}' is {self._methods[tenant]}; a batch mixes {BATCHED}."
                )
        tokenizer = self.generator.tokenizer
        prompts = [encode(tokenizer, render(tokenizer, turns, answering=True)) for _, turns in asked]
        # "__base__" is peft's word for no adapter.
        chosen = ["__base__" if tenant is None else self._inside(tenant) for tenant, _ in asked]
        return self.generator.batch(prompts, prepare=self._all_on, adapter_names=chosen)

    def _inside(self, tenant: str) -> str:
        return inside(self.names.index(tenant))

    def _known(self, tenant: str | None) -> None:
        if tenant is not None and tenant not in self._methods:
            raise ValueError(f"No adapter for '{tenant}'; there are {sorted(self._methods)}.")

    def _switch(self, tenant: str | None) -> None:
        model: Any = self.generator.model
        if tenant is None:
            model.base_model.disable_adapter_layers()
            return
        model.base_model.enable_adapter_layers()
        model.set_adapter(self._inside(tenant))

    def _all_on(self) -> None:
        self.generator.model.base_model.enable_adapter_layers()


def load_tenants(
    model: str, adapters: Mapping[str, str | Path], *, max_new_tokens: int = 512, device: str | None = None
) -> Tenants:
    """Loads the base once and every adapter beside it. Raises ValueError for an adapter of another base, another
    tokenizer or another kind."""
    if not adapters:
        raise ValueError("No adapters named; give one or more, or use load_generator.")
    base = resolve_model(model)
    methods = {name: _checked(folder, base) for name, folder in adapters.items()}
    names = list(adapters)
    _one_vocabulary([Path(adapters[name]) for name in names])
    from peft import PeftModel

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = load_causal(base, dtype="float32" if device == "cpu" else "auto")
    with without_library_warnings():
        tuned = PeftModel.from_pretrained(loaded, str(adapters[names[0]]), adapter_name=inside(0))
        for number, name in enumerate(names[1:], 1):
            tuned.load_adapter(str(adapters[name]), adapter_name=inside(number))
    generator = TransformersGenerator(
        name=model,
        adapter=None,
        model=tuned.to(device).eval(),
        tokenizer=load_tokenizer(Path(adapters[names[0]])),
        max_new_tokens=max_new_tokens,
    )
    return Tenants(generator, methods)


def inside(number: int) -> str:
    """What peft knows an adapter by. Not the tenant's name: peft takes '0' or 'mlp' for a part of the model."""
    return f"tenant_{number}"


def _checked(folder: str | Path, base: Path) -> str:
    card = read_card(folder)
    check_base(card, base)
    check_tokenizer(folder, base)
    check_complete(Path(folder))
    if card.objective in LABELLING or card.merged or card.method not in SWITCHED:
        kind = "a merged model" if card.merged else f"{card.method} for {card.objective}"
        raise ValueError(
            f"'{folder}' is {kind}; adapters of {', '.join(SWITCHED)} that write text are switched on one base."
        )
    return card.method


def _one_vocabulary(folders: Sequence[Path]) -> None:
    """All tenants are written to and read from with one tokenizer and one chat template."""
    first = folders[0]
    for name in ("tokenizer.json", "chat_template.jinja"):
        for other in folders[1:]:
            texts = [
                (file / name).read_bytes() if (file / name).is_file() else b"" for file in (first, other)
            ]
            if texts[0] != texts[1]:
                raise ValueError(f"'{first}' and '{other}' differ in {name}; load them apart.")
