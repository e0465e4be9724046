"""Bytes to text: byte-order marks, UTF-8, UTF-16 and UTF-32 without a mark, GB18030, then a guess."""

from __future__ import annotations

import codecs
import re

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HAN = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")
_KANA = re.compile(r"[\u3040-\u30ff]")
# The 100 or so commonest characters are about 40 % of running Chinese; mojibake hardly ever hits them.
_COMMON_HAN = frozenset(
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感见明问力理尔点文几定本公特做外孩相西果走将月十实向声车全信重三机工物气每并别真打太新比才便夫再书部水像眼等体却加电主界门利海受听表德少克代员许先口由死安写性马光白或住难望教命花结乐色，。、：；“”（）年月日元万"
)


def decode(data: bytes, declared: str | None = None) -> str:
    """Text of `data` with line ends as "\\n"; `declared` is a charset that the file itself names."""
    return _decode(data, declared).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def _decode(data: bytes, declared: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    for candidate in (_without_mark(data), declared, "utf-8"):
        if candidate and (text := _strict(data, candidate)) is not None:
            return text
    damaged = data.decode("utf-8", errors="replace")
    wide = sum(ord(letter) > 127 for letter in damaged)
    if damaged.count("\ufffd") * 20 < wide:  # a few flipped bytes in real UTF-8, not another encoding
        return damaged
    chinese = _strict(data, "gb18030")
    if chinese is not None and _looks_chinese(chinese):
        return chinese
    return _guessed(data, damaged)


def _strict(data: bytes, encoding: str) -> str | None:
    # Pages that say gb2312 use characters of its superset.
    name = "gb18030" if encoding.lower() in ("gb2312", "gbk", "gb_2312-80") else encoding
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def _without_mark(data: bytes) -> str | None:
    """UTF-16 and UTF-32 of mostly Latin text show as zero bytes at every second place, or three of four."""
    head = data[:4000]
    if len(head) < 4 or head.count(0) * 4 < len(head):
        return None
    if head.count(0) * 3 > len(head) * 2:
        return "utf-32-le" if head[0] else "utf-32-be"
    return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"


def _looks_chinese(text: str) -> bool:
    han = _HAN.findall(text)
    kana = len(_KANA.findall(text))  # a Chinese page may quote a little Japanese
    return len(han) > 1 and kana * 8 < len(han) and sum(c in _COMMON_HAN for c in han) * 8 > len(han)


def _guessed(data: bytes, fallback: str) -> str:
    from charset_normalizer import from_bytes

    if len(data) < 64:  # too short for statistics; cp1252 reads every Western letter
        western = _strict(data, "cp1252")
        japanese = _strict(data, "cp932")
        if japanese is not None and _KANA.search(japanese):
            return japanese
        return western if western is not None else fallback
    best = from_bytes(data).best()
    return str(best) if best is not None else fallback
