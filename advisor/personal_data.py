"""Finds personal data in a text: counts it by kind, or says where it stands so that it can be hidden."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

_AT = re.compile(rb"@(?:[A-Za-z0-9-]{1,63}\.){1,5}([A-Za-z]{2,24})(?![\w@-])")
_NAME = re.compile(rb"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+\Z")
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
    """Matches by kind: email, phone, resident_id (Chinese), card, iban, ssn (US), ip; the values are not kept.

    Numbers with check digits are checked; dates, amounts, versions and order numbers are told apart by their shape and
    by the word before them. A count is evidence that somebody should look, no proof.
    """
    return Counter(kind for _, _, kind in personal_places(utf8))


def personal_places(utf8: bytes, *, strict: bool = True) -> Iterator[tuple[int, int, str]]:
    """Start and end in bytes, and the kind, of each match; where not `strict`, also after words such as "order no."."""
    mask = utf8.translate(_MASK)
    stretches = list(_STRETCH.finditer(mask))
    accounts = [place.start() for place in _IBAN_MASK.finditer(mask)] if b"AA00" in mask else []
    if b"@" in utf8:
        for place in _AT.finditer(utf8):
            if _is_email(utf8, place.start(), place[1]):
                yield _name_start(utf8, place.start()), place.end(), "email"
    if not stretches and not accounts:
        return
    from .personal_numbers import iban_end, numbers_in  # not needed for texts without numbers

    for start in accounts:
        if (end := iban_end(utf8, start)) is not None:
            yield start, end, "iban"
    for place in stretches:
        start = place.start()
        start -= utf8[max(0, start - 1) : start] in (b"+", b"(")
        before = utf8[max(0, start - _CUE_BYTES) : start]
        for kind, first, end in numbers_in(utf8[start : place.end()], before, strict=strict):
            yield start + first, start + end, kind


def _is_email(utf8: bytes, at: int, ending: bytes) -> bool:
    return utf8[max(0, at - 1) : at].isalnum() and ending.lower() not in _PICTURES


def _name_start(utf8: bytes, at: int) -> int:
    """Where the name before the @ begins: at most 64 characters (RFC 5321)."""
    name = _NAME.search(utf8, max(0, at - 64), at)
    return name.start() if name else at - 1
