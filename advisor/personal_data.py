"""Counts personal data in a text by kind; what was found is neither returned nor kept."""

from __future__ import annotations

import re
from collections import Counter

_AT = re.compile(rb"@(?:[A-Za-z0-9-]{1,63}\.){1,5}([A-Za-z]{2,24})(?![\w@-])")
_PICTURES = frozenset((b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp"))  # icon@2x.png
# Where a number of a person may stand is searched in a mask of the text: digits are 0, what people put between them is
# a hyphen, capitals are A. An expression that starts with a letter is searched some ten times as fast as one that
# starts with a class of letters.
_MASK = (
    bytes(
        ord(
            "0"
            if chr(byte).isdigit()
            else "-"
            if chr(byte) in " ().+-"
            else "A"
            if chr(byte).isupper()
            else "_"
        )
        for byte in range(128)
    )
    + b"_" * 128
)
_IBAN_MASK = re.compile(rb"AA00")
_STRETCH = re.compile(rb"0[0-]{5,60}[0A_]")
_CUE_BYTES = 24


def count_personal_data(utf8: bytes) -> Counter[str]:
    """Matches by kind: email, phone, resident_id (Chinese), card, iban, ssn (US), ip.

    Numbers with check digits are checked; dates, amounts, versions and order numbers are told apart by their shape and
    by the word before them. A count is evidence that somebody should look, no proof.
    """
    mask = utf8.translate(_MASK)
    stretches = list(_STRETCH.finditer(mask))
    accounts = [place.start() for place in _IBAN_MASK.finditer(mask)] if b"AA00" in mask else []
    found: Counter[str] = Counter()
    if b"@" in utf8:
        found["email"] = sum(_is_email(utf8, place.start(), place[1]) for place in _AT.finditer(utf8))
    if not stretches and not accounts:
        return +found
    from .personal_numbers import is_iban, kinds_of  # not needed for texts without numbers

    found["iban"] = sum(is_iban(utf8, start) for start in accounts)
    for place in stretches:
        start = place.start()
        start -= utf8[max(0, start - 1) : start] in (b"+", b"(")
        found.update(kinds_of(utf8[start : place.end()], utf8[max(0, start - _CUE_BYTES) : start]))
    return +found


def _is_email(utf8: bytes, at: int, ending: bytes) -> bool:
    return utf8[max(0, at - 1) : at].isalnum() and ending.lower() not in _PICTURES
