"""How an answer's passages were found: the record of its search as tables, text of documents shown as it stands."""

from __future__ import annotations

from typing import Any

import streamlit as st

from apps.ui.passages import plain
from apps.ui.session import say
from rag.trace import Leg, Place, SearchTrace


def how_found(trace: SearchTrace) -> None:
    """An expander with the query, the legs, the hits, and what was moved or dropped and why."""
    with st.expander(say("How this was found"), icon=":material/manage_search:"):
        if trace.searched != trace.asked:
            st.caption(f"{say('Searched as')}: {plain(trace.searched)}")
        for leg in trace.legs:
            st.caption(_leg(leg))
        st.dataframe(_hits(trace), hide_index=True, width="stretch")
        if trace.moved:
            st.caption(say("Newer versions that stand before older ones"))
            st.dataframe(_moved(trace), hide_index=True, width="stretch")
        if trace.dropped:
            st.caption(say("Not among the hits"))
            st.dataframe(_dropped(trace), hide_index=True, width="stretch")


def _leg(leg: Leg) -> str:
    name = say("By meaning") if leg.name == "dense" else say("By words")
    what = f"{len(leg.hits)}" if leg.used else f"{say('not used')}, {plain(leg.reason)}"
    return f"{name}: {what} · {leg.seconds * 1000:.0f} ms"


def _hits(trace: SearchTrace) -> list[dict[str, Any]]:
    """A table's cells are plain text: no markup of a document acts in them."""
    return [
        {
            say("Rank"): hit.rank,
            say("Document"): hit.chunk.source,
            say("Page"): str(hit.chunk.page or "—"),
            say("Score"): round(hit.score, 3),
            say("By meaning"): _cell(hit.dense_rank, hit.dense_score),
            say("By words"): _cell(hit.keyword_rank, hit.keyword_score),
        }
        for hit in trace.hits
    ]


def _cell(rank: int | None, score: float | None) -> str:
    if score is None:
        return "—"
    return f"{score:.2f}" + (f" ({rank})" if rank else "")


def _moved(trace: SearchTrace) -> list[dict[str, Any]]:
    return [
        {say("Older"): _place(moved.older), say("Newer"): _place(moved.newer), say("Why"): moved.why}
        for moved in trace.moved
    ]


def _dropped(trace: SearchTrace) -> list[dict[str, Any]]:
    return [
        {say("Rank"): dropped.rank, say("Document"): _place(dropped.place), say("Why"): dropped.why}
        for dropped in trace.dropped
    ]


def _place(place: Place) -> str:
    return f"{place.source} · {place.number}"
