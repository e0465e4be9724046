"""The date that a document gives itself, as ISO text, since some documents supersede others by date."""

from __future__ import annotations

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_FORMS = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})[-/._](?P<m>\d{1,2})[-/._](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?P<y>(?:19|20)\d{2})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m>{_MONTH})\s*,?\s+(?P<y>(?:19|20)\d{{2}})\b", re.I
    ),
    re.compile(
        rf"\b(?P<m>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s+(?P<y>(?:19|20)\d{{2}})\b", re.I
    ),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>[0-2]\d|3[01])(?!\d)"),
)
_MONTH_ONLY = re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})[-_](?P<m>0[1-9]|1[0-2])(?!\d)")
# What a document calls its own date; "due date" and the like are another matter.
_LABEL = re.compile(
    r"(?:^|[\s|;*#>(（\"'])(?:date|dated|effective(?: date| from)?|published(?: on)?|issued(?: on)?|"
    r"issue date|last updated|updated(?: on)?|revised(?: on)?|version date|as of|release date|"
    r"(?:发布|生效|更新|修订|编制|报告|签发|实施|公告)?日期|生效日|发布时间|更新时间|发布于|自)[\"'*\s]*[:：|\s]\s*",
    re.I | re.M,
)


def find_date(source: str, text: str, bare: bool = True) -> str | None:
    """A labelled date near the top, else one in the file name, else (with `bare`) one on a short line."""
    top = text[:1500] if bare else text[:1500].partition("; ")[0]  # in table rows a date is a value
    for label in _LABEL.finditer(top):
        if found := _first_date(top[label.end() : label.end() + 30], at_start=True):
            return found
    name = source.rsplit("/", 1)[-1]
    if found := _first_date(name):
        return found
    if month := _MONTH_ONLY.search(name):
        return f"{month['y']}-{month['m']}"
    # In running text or in a table a date may be anything; on a short line of its own it dates the document.
    short = [
        line
        for line in text[:800].splitlines()[:10]
        if len(line) <= 60 and not re.search(r"[;|,，。]\s*\S", line)
    ]
    return _first_date("\n".join(short)) if bare else None


def _first_date(text: str, at_start: bool = False) -> str | None:
    matches = [match for form in _FORMS if (match := form.search(text))]
    for match in sorted(matches, key=lambda m: m.start()):
        if at_start and match.start() > 6:
            return None
        month = match["m"].lower()
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
        if 1 <= number <= 12 and 1 <= int(match["d"]) <= 31:
            return f"{match['y']}-{number:02d}-{int(match['d']):02d}"
    return None
