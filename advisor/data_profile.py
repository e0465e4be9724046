"""What a folder of documents and a file of examples are like, by a quick look that says where it sampled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .cheap_text import READERS
from .folder_files import File, list_files
from .languages import named_shares
from .near_duplicates import count_near_duplicates
from .schema import DataProfile, ExampleProfile
from .survey import Survey, survey
from .update_rhythm import History, read_rhythm

_GIT_PATIENCE_S = 0.15


def profile_data(documents: str | Path | None, examples: str | Path | None = None) -> DataProfile:
    """Formats, sizes and estimated tokens by language of the documents, and the shape of the examples.

    Raises FileNotFoundError for a path that does not exist and ValueError for an empty folder or a malformed row.
    """
    if documents is None and examples is None:
        raise ValueError("Nothing to profile; give a folder of documents, a file of examples, or both.")
    if documents is None:
        return DataProfile(
            files=0, size_bytes=0, formats={}, tokens=0, languages={}, examples=_examples(examples, None)
        )
    folder = Path(documents)
    listing = list_files(folder, READERS)
    history = History(folder, _GIT_PATIENCE_S)
    seen = survey(listing.files, keep_text=examples is not None)
    changed = [file.changed for file in listing.files]
    update_days, update_source = read_rhythm(history, changed, time.time())
    return DataProfile(
        files=len(listing.files),
        size_bytes=sum(file.size_bytes for file in listing.files),
        formats=dict(sorted(Counter(file.suffix for file in listing.files).items())),
        tokens=round(sum(seen.tokens.values()) + seen.page_tokens),
        languages=named_shares(seen.tokens),
        sampled=seen.sampled,
        unreadable=tuple(sorted(listing.unreadable + seen.unreadable)),
        unsupported=dict(sorted(listing.unsupported.items())),
        median_age_days=_median_age_days(listing.files),
        update_days=update_days,
        update_source=update_source or "",
        near_duplicates=count_near_duplicates(seen.sketches),
        scanned=tuple(sorted(seen.scanned)),
        personal_data=dict(sorted(seen.personal_data.items())),
        examples=_examples(examples, seen),
        path=str(documents),
    )


def _examples(path: str | Path | None, seen: Survey | None) -> ExampleProfile | None:
    if path is None:
        return None
    from .example_profile import profile_examples  # a third of what there is to import, and often not needed

    if seen is None:
        return profile_examples(Path(path))
    return profile_examples(Path(path), seen.kept, seen.kept_share)


def _median_age_days(files: Sequence[File]) -> float:
    middle = sorted(file.changed for file in files)[len(files) // 2]
    return round(max(0.0, time.time() - middle) / 86_400, 1)
