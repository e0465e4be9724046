"""Opens what the settings name (index, generator, classifier) and makes the assistant of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.settings import Settings

if TYPE_CHECKING:
    from apps.assistant import Assistant, Generator
    from finetune import Classifier
    from rag import Index, RagConfig
    from rag.span_reader import SpanReader


def search_config(settings: Settings) -> RagConfig:
    """How an index is searched. Raises ValueError for what no search can do."""
    from rag import RagConfig

    if not 0 <= settings.diversity <= 1:
        raise ValueError(f"diversity is {settings.diversity}; give 0 (none) to 1.")
    if settings.neighbours < 0:
        raise ValueError(f"neighbours is {settings.neighbours}; give 0 (none) or more.")
    return RagConfig(
        k=settings.k,
        rerank=settings.rerank,
        diversity=settings.diversity,
        neighbours=settings.neighbours,
        store_token=settings.store_token or None,
    )


def open_named_index(settings: Settings, *, recency: bool = True) -> Index:
    """The index that the settings name. Raises ValueError when they name none, or ask for no passage."""
    if not settings.index:
        raise ValueError("No index named; give --index FOLDER (made by 'advisor index ./docs --out FOLDER').")
    if settings.k < 1:
        raise ValueError(f"k is {settings.k}; give -k 1 or more (6 when left out).")
    from rag import open_index

    return open_index(settings.index, config=replace(search_config(settings), recency=recency))


def open_assistant(settings: Settings, classifier: Classifier | None = None) -> Assistant:
    """The assistant of these settings: an index makes it cite, a model write, an adapter tunes it or reads for it.

    `classifier` is what `open_classifier` gave for the same settings.
    """
    from apps.assistant import Assistant

    index = open_named_index(settings) if settings.index else None
    spans = open_trained_reader(settings.adapter)
    generator = _generator(
        without_reader(settings) if spans else settings, classifier, closed_book=index is None
    )
    return Assistant(generator, index, k=settings.k, domain=settings.domain, spans=spans)


def open_trained_reader(adapter: str | None) -> SpanReader | None:
    """The adapter as a reader of what is found, when it was trained as one; it writes nothing."""
    if adapter is None:
        return None
    from rag.tuned import CARD, read_card

    folder = Path(adapter).expanduser()
    if not (folder / CARD).is_file() or read_card(folder)["objective"] != "span_qa":
        return None
    from rag.span_reader import open_span_reader

    return open_span_reader(folder)


def without_reader(settings: Settings) -> Settings:
    """The settings of who writes beside a trained reader: nobody, where the model named is the reader's base."""
    from rag.tuned import read_card

    base = read_card(Path(settings.adapter or "").expanduser())["base_model"]
    return replace(settings, adapter=None, model=None if settings.model == base else settings.model)


def open_classifier(settings: Settings) -> Classifier | None:
    """The classifier, when the adapter that the settings name is one; it labels answers and writes none."""
    if settings.adapter is None:
        return None
    from finetune import load_classifier, read_card

    card = read_card(settings.adapter)
    if card.objective != "classify":
        return None
    return load_classifier(settings.model or card.base_model, settings.adapter)


def _generator(settings: Settings, classifier: Classifier | None, *, closed_book: bool) -> Generator:
    from apps.generators import Extractive, Labelling, make_generator

    if classifier is not None:
        # The model named beside a classifier is the classifier's base, so nothing else is there to write.
        return Labelling(classifier, settings.adapter or "") if closed_book else Extractive()
    return make_generator(
        settings.model,
        adapter=settings.adapter,
        api_base=settings.api_base,
        api_key=settings.api_key,
        max_new_tokens=settings.max_new_tokens,
    )
