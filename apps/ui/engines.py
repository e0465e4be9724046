"""Opens indexes, models and adapters once for all sessions and makes the assistant of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from apps.assistant import Assistant, Generator
from apps.generators import Extractive, Labelling, make_generator
from apps.opening import open_trained_reader, search_config, without_reader
from apps.settings import Settings, load_settings
from apps.ui.session import below

if TYPE_CHECKING:
    from finetune import AdapterCard, Classifier
    from rag import Index
    from rag.embed import Embedder
    from rag.span_reader import SpanReader


@st.cache_resource(show_spinner=False, max_entries=2)
def embedder_named(name: str) -> Embedder:
    from rag.embed import load_embedder

    return load_embedder(name)


def index_at(path: str) -> Index:
    """The index as it stands on the disk now. Raises what `rag.open_index` raises."""
    manifest = Path(path) / "manifest.json"
    return _index(path, manifest.stat().st_mtime_ns if manifest.is_file() else 0)


@st.cache_resource(show_spinner=False, max_entries=3)
def _index(path: str, written_ns: int) -> Index:
    from rag import open_index
    from rag.manifest import read_manifest

    manifest = read_manifest(Path(path))
    embedder = embedder_named(manifest.embedder) if manifest else None
    return open_index(path, embedder=embedder, config=search_config(load_settings()))


def adapters(settings: Settings) -> dict[str, AdapterCard]:
    """Finished adapters by path: the one named at the start, then those in the build folder; damaged ones left out."""
    from finetune import read_card
    from finetune.versions import is_version

    paths = [settings.adapter] if settings.adapter else []
    cards = below(Path(settings.build), "adapter_card.json")
    paths += [str(card.parent) for card in cards if not is_version(card)]
    found: dict[str, AdapterCard] = {}
    for path in dict.fromkeys(paths):
        try:
            found[path] = read_card(path)
        except (ValueError, OSError) as error:
            st.sidebar.caption(f":material/error: {error}")
    return found


def assistant_for(
    settings: Settings, index: str | None, adapter: str | None, card: AdapterCard | None
) -> tuple[Assistant, Classifier | None]:
    """The assistant of these switches, and the classifier when the adapter is one. Raises in one line."""
    classifier = spans = None
    if adapter is not None and card is not None and card.objective == "classify":
        # A model named beside a classifier at the start is the classifier's base: nothing is there to write.
        named = settings.model if adapter == settings.adapter else None
        classifier = _classifier(named or card.base_model, adapter)
        generator = _writer(replace(settings, adapter=None, model=None if named else settings.model))
        if index is None and isinstance(generator, Extractive):
            generator = Labelling(classifier, adapter)
    elif adapter is not None and card is not None and card.objective == "span_qa":
        spans = _trained_reader(adapter)
        generator = _writer(without_reader(replace(settings, adapter=adapter)))
    else:
        base = card.base_model if card else None
        generator = _writer(replace(settings, adapter=adapter, model=settings.model or base))
    retriever = index_at(index) if index else None
    return Assistant(generator, retriever, k=settings.k, domain=settings.domain, spans=spans), classifier


def can_answer(settings: Settings, index: str | None, adapter: str | None) -> bool:
    """Whether somebody writes: without documents to quote there must be a model, a server or an adapter."""
    return bool(index or settings.model or settings.api_base or adapter)


def _writer(settings: Settings) -> Generator:
    return _generator(
        settings.model, settings.adapter, settings.api_base, settings.api_key, settings.max_new_tokens
    )


@st.cache_resource(show_spinner=False, max_entries=2)
def _generator(
    model: str | None, adapter: str | None, api_base: str | None, api_key: str, max_new_tokens: int
) -> Generator:
    return make_generator(
        model, adapter=adapter, api_base=api_base, api_key=api_key, max_new_tokens=max_new_tokens
    )


@st.cache_resource(show_spinner=False, max_entries=2)
def _trained_reader(adapter: str) -> SpanReader | None:
    return open_trained_reader(adapter)


@st.cache_resource(show_spinner=False, max_entries=2)
def _classifier(model: str, adapter: str) -> Classifier:
    from finetune import load_classifier

    return load_classifier(model, adapter)
