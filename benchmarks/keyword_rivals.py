"""Four keyword engines behind one face, all given the same terms: this program's, SQLite FTS5, tantivy and bm25s."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rag.keyword import KeywordIndex, build_keyword, load_keyword, save_keyword
from rag.postings import collect_postings, encode_terms, join_postings, load_postings, save_postings
from rag.runs import interleave

Terms = Sequence[str]


class Engine(Protocol):
    """Positions count from 0 in the order of `build`; `replace` puts new terms in the place of old ones."""

    crash: str  # what a kill in the middle of a change leaves

    def build(self, folder: Path, chunks: Sequence[Terms]) -> None: ...

    def open(self, folder: Path) -> None: ...

    def search(self, terms: Terms, k: int) -> list[int]: ...

    def replace(self, folder: Path, chunks: Sequence[Terms], changed: Sequence[int]) -> None:
        """`chunks` is the whole new state, `changed` where it differs from the old one."""
        ...


class Own:
    """rag.keyword: built from terms that the catalogue keeps encoded, updated by joining the new to the old."""

    crash = "old generation whole until one rename; damaged files are derived again"

    def build(self, folder: Path, chunks: Sequence[Terms]) -> None:
        save_keyword(build_keyword([encode_terms(terms) for terms in chunks]), folder)

    def open(self, folder: Path) -> None:
        self.index: KeywordIndex = load_keyword(folder)

    def search(self, terms: Terms, k: int) -> list[int]:
        return [position for position, _ in self.index.top_terms(terms, k)]

    def replace(self, folder: Path, chunks: Sequence[Terms], changed: Sequence[int]) -> None:
        places = np.unique(np.asarray(changed, dtype=np.int64))
        added = collect_postings([encode_terms(chunks[place]) for place in places])
        runs = interleave(len(chunks), left_out=places, places=places)
        written = folder.with_name(f"{folder.name}-new")
        written.mkdir()
        save_postings(join_postings(load_postings(folder), added, runs), written)
        shutil.rmtree(folder)
        written.rename(folder)


class Fts5:
    """SQLite's full-text index over terms joined by spaces; k1 and b are fixed to 1.2 and .75 in its source."""

    crash = "transactions; words of deleted text stay in its segments until they are merged"

    def build(self, folder: Path, chunks: Sequence[Terms]) -> None:
        self.open(folder)
        kept = "unicode61 remove_diacritics 0 tokenchars '.'''"
        self.db.execute(f'CREATE VIRTUAL TABLE chunks USING fts5(terms, tokenize="{kept}")')
        with self.db:
            rows = ((position + 1, " ".join(terms)) for position, terms in enumerate(chunks))
            self.db.executemany("INSERT INTO chunks(rowid, terms) VALUES (?, ?)", rows)
            self.db.execute("INSERT INTO chunks(chunks) VALUES ('optimize')")

    def open(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "keyword.sqlite3")

    def search(self, terms: Terms, k: int) -> list[int]:
        if not terms:
            return []
        wanted = " OR ".join(f'"{term}"' for term in terms)
        rows = self.db.execute(
            "SELECT rowid FROM chunks WHERE chunks MATCH ? ORDER BY bm25(chunks), rowid LIMIT ?", (wanted, k)
        )
        return [row[0] - 1 for row in rows]

    def replace(self, folder: Path, chunks: Sequence[Terms], changed: Sequence[int]) -> None:
        self.open(folder)
        with self.db:
            rows = ((" ".join(chunks[position]), position + 1) for position in changed)
            self.db.executemany("UPDATE chunks SET terms = ? WHERE rowid = ?", rows)


class Tantivy:
    """Segments on disk; the text is cut at spaces, the position is a stored field."""

    crash = "commits; words of deleted text stay in segments until they are merged"

    def build(self, folder: Path, chunks: Sequence[Terms]) -> None:
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        builder.add_unsigned_field("position", stored=True, indexed=True)
        index = tantivy.Index(builder.build(), path=str(folder))
        self._write(index, list(range(len(chunks))), chunks, remove=False)

    def _write(self, index: Any, positions: Sequence[int], chunks: Sequence[Terms], *, remove: bool) -> None:
        import tantivy

        writer = index.writer(heap_size=256 << 20, num_threads=1)
        for position in positions:
            if remove:
                writer.delete_documents("position", position)
            document = tantivy.Document(terms=" ".join(chunks[position]))
            document.add_unsigned("position", position)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder: Path) -> None:
        import tantivy

        self.index: Any = tantivy.Index.open(str(folder))
        self.searcher = self.index.searcher()

    def search(self, terms: Terms, k: int) -> list[int]:
        import tantivy

        schema = self.index.schema
        parts = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "terms", term, index_option="freq"))
            for term in terms
        ]
        found = self.searcher.search(tantivy.Query.boolean_query(parts), limit=k, count=False)
        return [self.searcher.doc(address)["position"][0] for _, address in found.hits]

    def replace(self, folder: Path, chunks: Sequence[Terms], changed: Sequence[int]) -> None:
        self.open(folder)
        self._write(self.index, changed, chunks, remove=True)


class Bm25s:
    """Scores computed when the index is made; no update, and a search adds up a row of all chunks."""

    crash = "none of its own: files are written in place"

    def build(self, folder: Path, chunks: Sequence[Terms]) -> None:
        import bm25s

        index = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
        index.index([list(terms) or [""] for terms in chunks], show_progress=False)
        index.save(str(folder), allow_pickle=False, show_progress=False)

    def open(self, folder: Path) -> None:
        import bm25s

        self.index: Any = bm25s.BM25.load(str(folder), load_corpus=False, allow_pickle=False)

    def search(self, terms: Terms, k: int) -> list[int]:
        known = [term for term in terms if term in self.index.vocab_dict]
        scores = np.asarray(self.index.get_scores(known)) if known else np.zeros(0)
        best = np.argpartition(-scores, min(k, len(scores) - 1))[:k] if len(scores) else scores
        return [int(position) for position in best[np.argsort(-scores[best], kind="stable")]]

    def replace(self, folder: Path, chunks: Sequence[Terms], changed: Sequence[int]) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        self.build(folder, chunks)


ENGINES: dict[str, type[Engine]] = {"own": Own, "SQLite FTS5": Fts5, "tantivy": Tantivy, "bm25s": Bm25s}
