"""Finds the marks by which a model names its sources, in the forms that models really write; checks nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST_RANGE = 20
_WORDS = r"(?:sources?|src|docs?|documents?|passages?|refs?|references?|来源|资料|文献|文档|参考)"
_LIST = rf"\d{{1,3}}(?:\s*(?:[,，、;；&]|and|和|与|[-–—~～至])\s*(?:{_WORDS}\s*)?\d{{1,3}})*"
_PATTERNS = (
    # [1] [1, 2] [1-3] [^1] [Source 1] 【1】 ［1］ 〔1〕 【4†source】 【1:0†source】 [[1]]
    rf"\[?[\[【［〔]\s*\^?(?:{_WORDS}\s*[:：#.]?\s*(?:id\s*=\s*)?[\"']?)?(?P<square>{_LIST})[\"']?"
    r"(?::\d+)?(?:†[^\]】］〕\n]{0,40})?\s*[\]】］〕]\]?",
    # (source 1) （来源：1） (sources 1 and 2)
    rf"[(（]\s*(?:see\s+|见|参见)?{_WORDS}\s*[:：#.]?\s*(?P<round>{_LIST})\s*[)）]",
    # a tag of the prompt, or an HTML superscript, said again
    r"<source\b[^>\n]{0,80}?id=[\"']?(?P<tag>\d{1,3})[^>\n]{0,80}>(?:\s*</source[^>\n]{0,40}>)?",
    r"<sup>\s*\[?(?P<sup>\d{1,3})\]?\s*</sup>",
    # fell.¹ fell¹ but not m², 10⁶
    r"(?:(?<=[.!?。！？”\"’)）])|(?<=[A-Za-z]{4})|(?<=[\u4e00-\u7c72\u7c74-\u9fff]))"
    r"(?P<raised>[¹²³⁴⁵⁶⁷⁸⁹][⁰¹²³⁴⁵⁶⁷⁸⁹]?(?:[,⁻˒][¹²³⁴⁵⁶⁷⁸⁹])*)(?![\w⁰¹²³⁴⁵⁶⁷⁸⁹])",
)
_MARK = re.compile(
    r"[ \t\u00a0]*(?:" + "|".join(f"(?:{pattern})" for pattern in _PATTERNS) + ")", re.IGNORECASE
)
_CODE = re.compile(
    r"^```.*?(?:^```|\Z)|^~~~.*?(?:^~~~|\Z)|(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL | re.MULTILINE
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹˒⁻", "0123456789,-")


@dataclass(frozen=True, slots=True)
class Mark:
    """`text[start:end]` names the sources `numbers`; white space before a mark belongs to it."""

    start: int
    end: int
    numbers: tuple[int, ...]


def find_marks(text: str) -> list[Mark]:
    """The marks outside of code, in order. `numbers` may name sources that do not exist."""
    code = [match.span() for match in _CODE.finditer(text)]
    return [
        Mark(*match.span(), _numbers(match))
        for match in _MARK.finditer(text)
        if not any(start <= match.start() < end or start < match.end() <= end for start, end in code)
    ]


def without_marks(text: str) -> str:
    """What a document says, without the footnotes that would be taken for marks of an answer that quotes it."""
    pieces, at = [], 0
    for mark in find_marks(text):
        pieces.append(text[at : mark.start])
        at = mark.end
    return "".join([*pieces, text[at:]])


def code_spans(text: str) -> list[tuple[int, int]]:
    """Where code stands, between back quotes or in a fence."""
    return [match.span() for match in _CODE.finditer(text)]


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    found = next(group for group in match.groupdict().values() if group is not None)
    numbers: list[int] = []
    for low, high in re.findall(r"(\d+)(?:\s*[-–—~～至]\s*(?:[^\W\d]+\s*)?(\d+))?", found.translate(_RAISED)):
        last = int(high or low)
        numbers += range(int(low), min(last, int(low) + _LONGEST_RANGE) + 1) or [int(low), last]
    return tuple(dict.fromkeys(numbers))
