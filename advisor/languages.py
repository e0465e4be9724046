"""Which language a text is in, from its script and its commonest words; a guess that costs microseconds."""

from __future__ import annotations

from collections.abc import Mapping

from .tokens import Letters

_SAMPLE_BYTES = 400  # from the middle of a text, where prose is likelier than a menu or a title
_FEWEST_WORDS = 3  # fewer common words than this are a chance
# Common words of each language that the others do not write so.
_WORDS = {
    word: language
    for language, words in {
        "en": "the of and to is that for with was are this from have which be by not at its they you",
        "de": "der und den ist nicht von zu mit ein eine auf für werden im sich auch oder bei wird nach",
        "fr": "le les des et est une dans pour qui sur pas au avec sont cette aux ses leur être ces",
        "es": "el los las y del para más pero sus lo muy ya desde fue también según están esta cuando",
        "it": "che di sono gli dei della alla anche più questo è dal nella delle degli essere nel dalla",
        "pt": "os em um uma não dos ao são pela pelo mais também seu sua foi nas até às isso",
        "nl": "het een van dat zijn op te voor aan ook wordt bij naar om door deze worden niet meer",
    }.items()
    for word in words.encode().split()
}
# Lead bytes in UTF-8 of scripts that one language uses most.
_LEADS: Mapping[str, bytes] = {
    "ru": bytes((0xD0, 0xD1)),
    "ar": bytes(range(0xD8, 0xDC)),
    "ko": bytes(range(0xEA, 0xEE)),
}
_KANA = (b"\xe3\x81", b"\xe3\x82", b"\xe3\x83")
_KANA_SHARE = 0.1  # Japanese writes a third to a half of its text in kana, Chinese none


def share_by_language(utf8: bytes, letters: Letters) -> dict[str, float]:
    """Parts of one text that add up to 1; "" stands for Latin letters that no common word tells apart."""
    start = max(0, (len(utf8) - _SAMPLE_BYTES) // 2)
    sample = utf8[start : start + _SAMPLE_BYTES]
    cjk = letters.cjk_share
    shares: dict[str, float] = {}
    if cjk > 0:
        shares["ja" if cjk > 0.02 and _has_kana(sample) else "zh"] = cjk
    if cjk < 1:
        shares[_alphabetic(sample)] = 1 - cjk
    return shares


def named_shares(tokens: Mapping[str, float]) -> dict[str, float]:
    """Shares without those under 1 %; what no word told apart is taken for the commonest alphabetic language."""
    named = {language: amount for language, amount in tokens.items() if language and amount}
    unnamed = tokens.get("", 0.0)
    alphabetic = [language for language in sorted(named) if language not in ("zh", "ja")]
    if unnamed:
        commonest = max(alphabetic, key=lambda language: named[language], default="en")
        named[commonest] = named.get(commonest, 0.0) + unnamed
    total = sum(named.values())
    shares = {language: round(amount / total, 3) for language, amount in sorted(named.items()) if total}
    return {language: share for language, share in shares.items() if share >= 0.01}


def _has_kana(sample: bytes) -> bool:
    kana = sum(sample.count(lead) for lead in _KANA)
    return kana * 3 > _KANA_SHARE * len(sample)


def _alphabetic(sample: bytes) -> str:
    if not sample.isascii():
        for language, leads in _LEADS.items():
            if 3 * (len(sample) - len(sample.translate(None, leads))) > len(sample) / 2:
                return language
    hits = [_WORDS[word] for word in sample.lower().split() if word in _WORDS]
    best = max(sorted(set(hits)), key=hits.count, default="")
    return best if hits.count(best) >= _FEWEST_WORDS else ""
