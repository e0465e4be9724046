"""Options of a recommendation as words and rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.phrase import spoken
from advisor.report_options import option_columns
from advisor.wording import capital, in_language
from advisor.wording import option_name as name_of
from apps.ui.words import Language, word

if TYPE_CHECKING:
    from advisor import Option, Recommendation


def option_name(option: Option, language: Language) -> str:
    """For example "Retrieval and fine-tuning, QLoRA"."""
    return capital(spoken(name_of(option), language))


def option_rows(found: Recommendation, language: Language) -> list[dict[str, Any]]:
    """One row for each option that can work, in its rank; time and cost only where any is known."""
    columns = [(title, cells) for title, cells in option_columns(found, in_language(language)) if any(cells)]
    titles = [capital(title) or word("Remark", language) for title, _ in columns]
    rows = zip(*(cells for _, cells in columns), strict=True)
    return [dict(zip(titles, map(capital, row), strict=True)) for row in rows]


def folded(command: str) -> str:
    """A long command over several lines, as a shell reads it."""
    return command if len(command) <= 48 or command.startswith("#") else command.replace(" --", " \\\n    --")
