"""Tells numbers of persons from other numbers, by their shape, their check digits and the word before them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

_IBAN = re.compile(rb"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
# Country codes with the length of their account numbers (IBAN registry of ISO 13616, release 2024).
_IBAN_LENGTHS: Mapping[str, int] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL",
        24: "AD CZ ES MD PK RO SA SE SK TN",
        25: "PT",
        26: "IS TR",
        27: "FR GR IT MC SM",
        28: "AL AZ BY CY DO GT HU LB PL",
        29: "BR EG PS QA UA",
        30: "JO KW",
        31: "MT",
    }.items()
    for country in countries.split()
}
_EDGE, _END = rb"(?<![\d.+-])", rb"(?![\d-]|\.\d)"
_NUMBER = re.compile(
    _EDGE
    + rb"(?:(?P<resident_id>[1-9]\d{16}[\dXx])"
    + rb"|(?P<ip>\d{1,3}(?:\.\d{1,3}){3})"
    + rb"|(?P<ssn>\d{3}-\d{2}-\d{4})"
    + rb"|(?P<mobile>1[3-9]\d(?:\d{8}|[ -]\d{4}[ -]\d{4}))"
    + rb"|(?P<card>\d{13,19}|\d{4}(?:[ -]\d{4}){2,3}(?:[ -]\d{1,4})?|\d{4}[ -]\d{6}[ -]\d{5})"
    + rb"|(?P<landline>0\d{2,3}-[2-9]\d{6,7}|\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d{4})"
    + rb"|(?P<phone>\+[1-9]\d{0,3}(?:[ .-]?\(0?\d{1,4}\))?(?:[ .-]?\d{2,11}){1,5}))"
    + _END
)
# A number after one of these is that of an order, a document or a release.
_OTHER = re.compile(
    rb"(?i)(?:order|invoice|ref|serial|tracking|ticket|item|part|version|release|build|isbn|v|no\.?|nr\.?|id|#"
    + "|订单|单号|编号|版本|流水号|发票|序列号".encode()
    + rb")[^\w\n]*(?:number|no\.?|nr\.?|id|code|"
    + "号码|号".encode()
    + rb")?[^\w\n]*$"
)
_IP_CUE = re.compile(rb"(?i)\b(?:ip|ipv4|host|server|address|addr)\b[^\n]{0,12}$|" + "地址".encode())
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999


def numbers_in(stretch: bytes, before: bytes, *, strict: bool = True) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of each number of a person in a stretch of digits; `before` is the text that leads up to it.

    Where not `strict`, that text excuses nothing but addresses, which look like numbers of a release.
    """
    for number in _NUMBER.finditer(stretch):
        kind = number.lastgroup or ""
        cue = before if not number.start() and (strict or kind == "ip") else b""
        if _CHECKS[kind](number[0].decode(), cue):
            yield "phone" if kind in ("mobile", "landline") else kind, number.start(), number.end()


def iban_end(utf8: bytes, start: int) -> int | None:
    """Where the account number that begins here ends; None where none does."""
    number = _IBAN.match(utf8, start)
    if number is None or utf8[max(0, start - 1) : start].isalnum():
        return None
    compact = number[0].decode().replace(" ", "")
    if len(compact) != _IBAN_LENGTHS.get(compact[:2]):
        return None
    valid = int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1
    return number.end() if valid else None


def _is_resident_id(number: str, before: bytes) -> bool:
    """Birth date and check digit of GB 11643-1999."""
    century, month, day = int(number[6:8]), int(number[10:12]), int(number[12:14])
    if century not in (19, 20) or not 1 <= month <= 12 or not 1 <= day <= 31:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


def _is_card(number: str, before: bytes) -> bool:
    """An issuer's prefix (ISO/IEC 7812) with its length, and the check digit of Luhn."""
    digits = re.sub(r"\D", "", number)
    lengths = next((lengths for prefix, lengths in _ISSUERS if re.match(prefix, digits)), ())
    if len(digits) not in lengths or len(set(digits)) < 2 or _OTHER.search(before):
        return False
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(value - 9 * (value > 9) for value in doubled)) % 10 == 0


def _is_ip(number: str, before: bytes) -> bool:
    """Not a number of a section or a release, which also has four parts, but small ones."""
    parts = number.split(".")
    if any(int(part) > 255 or (part[0] == "0" and part != "0") for part in parts) or _OTHER.search(before):
        return False
    if parts[0] in ("0", "127", "255"):
        return False  # nobody's address
    large = max(map(int, parts)) >= 100 or sum(len(part) > 1 for part in parts) >= 3
    return large or bool(_IP_CUE.search(before))


def _is_ssn(number: str, before: bytes) -> bool:
    """Areas 000, 666 and 900 to 999, group 00 and serial 0000 are never assigned (US SSA)."""
    area, group, serial = number.split("-")
    possible = area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"
    return possible and not _OTHER.search(before)


def _is_phone(number: str, before: bytes) -> bool:
    """At most 15 digits (ITU-T E.164); fewer than 8 make no international number."""
    return 8 <= sum(map(str.isdigit, number)) <= 15 and not _OTHER.search(before)


# Issuer prefixes and the lengths of their numbers: Visa, Mastercard, American Express, Diners, JCB, UnionPay, Discover.
_ISSUERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("4", (13, 16, 19)),
    ("5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)),
    ("3[47]", (15,)),
    ("3(?:0[0-5]|[68])", (14,)),
    ("35", (16,)),
    ("62", (16, 17, 18, 19)),
    ("6(?:011|4[4-9]|5)", (16,)),
)
_CHECKS: Mapping[str, Callable[[str, bytes], bool]] = {
    "resident_id": _is_resident_id,
    "card": _is_card,
    "ip": _is_ip,
    "ssn": _is_ssn,
    "phone": _is_phone,
    "mobile": _is_phone,
    "landline": _is_phone,
}
