"""Companies that a news text names, by their form and by what stands around them; no list of companies is kept."""

from __future__ import annotations

import re
from functools import cache

from apps.news_reading import Quote, quote_at
from apps.news_words import pattern
from apps.numbers_of import numbers_of

# 通达股份(002560), 复洁环保（688335.SH）, Acme Corp <ACM.N>, Acme (NYSE: ACM)
_ZH_CODE = re.compile(
    r"([\u4e00-\u9fffA-Za-z]{2,10})[(（](?:\d{5,6}(?:\.[A-Za-z]{2})?|[A-Z]{1,5}\.[A-Z]{1,2})[)）]"
)
_EN_CODE = re.compile(
    r"((?:[A-Z][\w&.'-]*\s+(?:(?:&|of|and)\s+)?){0,4}[A-Z][\w&.'-]*)\s*(?:<[A-Z0-9]+\.[A-Z]{1,2}>|"
    r"\((?:NYSE|NASDAQ|Nasdaq|LSE|HKEX|SSE|SZSE|OTC)\s*:\s*[A-Z0-9.]+\))"
)
_EN_RUN = re.compile(r"[A-Z][\w&'-]*(?:\.(?=[A-Z]))?(?:\s+(?:(?:&|of)\s+)?[A-Z][\w&'-]*)*")
_ZH_BEGINS = re.compile(
    r"(?:^|[^\u4e00-\u9fffA-Za-z0-9]|[的与和及对向由被将等在是为以从于把拟至或]|持有|收购|购买|控股股东|旗下|包括|其中|股东"
    r"|联合|携手|有限公司|公司|集团)"
)


def companies(text: str, language: str) -> dict[str, list[Quote]]:
    """Names, in the order of their first place, with every place where they stand."""
    names = _chinese(text) if language == "zh" else _english(text)
    found: dict[str, list[Quote]] = {}
    taken: list[tuple[int, int]] = []
    for name in sorted(names, key=len, reverse=True):  # "Acme Foods" before the "Acme" in it
        for match in re.finditer(_mention(name, language), text):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                found.setdefault(name, []).append(quote_at(text, *match.span()))
    for places in found.values():
        places.sort(key=lambda place: place.start)
    return dict(sorted(_joined(found).items(), key=lambda item: item[1][0].start))


def _mention(name: str, language: str) -> str:
    return re.escape(name) if language == "zh" else rf"(?<!\w){re.escape(name)}(?!\w)"


def _joined(found: dict[str, list[Quote]]) -> dict[str, list[Quote]]:
    """ "Acme" and "Acme Foods" are "Acme Foods Inc" where every longer name that begins so begins the longest."""
    joined = dict(found)
    for short in sorted(found, key=len):
        longer = sorted((name for name in joined if name != short and name.startswith(short)), key=len)
        if longer and all(longer[-1].startswith(name) for name in longer):
            places = joined[longer[-1]] + joined.pop(short)
            joined[longer[-1]] = sorted(places, key=lambda place: place.start)
    return joined


def _english(text: str) -> set[str]:
    words = numbers_of("news")["companies"]
    suffix, after = (
        _cached(rf"(?:{words['en_suffix']})\.?"),
        _cached(rf"(?:'s|’s)?\s+(?:{words['en_after']})\b"),
    )
    names = {match.group(1).strip() for match in _EN_CODE.finditer(text)}
    for match in _EN_RUN.finditer(text):
        name = _without_lead(match.group())
        last = name.split()[-1] if name else ""
        formed = len(name.split()) > 1 and suffix.fullmatch(last)
        if formed or (name and len(name) > 2 and after.match(text, match.end())):
            names.add(name)
            if formed:
                names.add(_stem_of(name, suffix))
    return {name for name in (_without_lead(name) for name in names) if len(name) > 1}


def _stem_of(name: str, suffix: re.Pattern[str]) -> str:
    """The name without its form, by which the text goes on: "Acme Foods" of "Acme Foods Inc"."""
    kept = name.split()
    while len(kept) > 1 and suffix.fullmatch(kept[-1]):
        kept.pop()
    return " ".join(kept)


def _without_lead(name: str) -> str:
    """Without words that a sentence begins with, and without "'s"."""
    no = _cached(rf"(?:{numbers_of('news')['companies']['en_not']})\.?")
    kept = re.sub(r"['’]s$", "", name).split()
    while kept and no.fullmatch(kept[0]):
        kept.pop(0)
    while kept and no.fullmatch(kept[-1]):
        kept.pop()
    return " ".join(kept).strip("-&")


def _chinese(text: str) -> set[str]:
    suffix = pattern("companies", "zh_suffix").pattern
    names = {_after_boundary(match.group(1)) for match in _ZH_CODE.finditer(text)}
    for match in re.finditer(
        rf"[\u4e00-\u9fffA-Za-z（）()]{{2,20}}?(?:{suffix})(?![\u4e00-\u9fff]?行业)", text
    ):
        name = _after_boundary(match.group())
        # 汽车 or 能源 also ends what is no company: such a name has to come twice, or with a form of companies.
        if text.count(name) > 1 or name.endswith(("公司", "集团", "银行", "证券")):
            names.add(name)
    after = pattern("companies", "zh_after").pattern
    for match in re.finditer(
        rf"(?:^|[。，；！：、】\s]|日电|日讯)([\u4e00-\u9fffA-Za-z]{{2,8}}?)(?:{after})", text
    ):
        names.add(_after_boundary(match.group(1)))
    no = pattern("companies", "zh_not")
    never = pattern("companies", "zh_never")
    return {name for name in names if len(name) > 2 and not no.fullmatch(name) and not never.search(name)}


def _after_boundary(name: str) -> str:
    """What stands after the last word that joins names; a form such as 有限公司 at the very end joins nothing."""
    ends = [match.end() for match in _ZH_BEGINS.finditer(name) if 0 < match.end() < len(name)]
    kept = name[max((end for end in ends if len(name) - end > 2), default=0) :]
    return kept.strip("（）()")


@cache
def _cached(pattern_text: str) -> re.Pattern[str]:
    return re.compile(pattern_text)
