"""Estimates tokens and languages from UTF-8 bytes, without a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass

# Qwen documentation, 'Key Concepts' (2024): 1 token is 3 to 4 characters of English and 1.5 to 1.8 of Chinese.
# Llama-2 and BERT need more tokens for Chinese, about one per character.
LATIN_PER_TOKEN = 4.0
CJK_PER_TOKEN = 1.6
# In UTF-8 the characters U+3000 to U+9FFF, which hold kana, CJK punctuation and ideographs, start with E3 to E9.
_CJK_LEADS = bytes(range(0xE3, 0xEA))


@dataclass(frozen=True, slots=True)
class Letters:
    """How many characters of each script a text holds."""

    latin: float = 0.0
    cjk: float = 0.0

    def __add__(self, other: Letters) -> Letters:
        return Letters(self.latin + other.latin, self.cjk + other.cjk)

    def times(self, factor: float) -> Letters:
        return Letters(self.latin * factor, self.cjk * factor)

    @property
    def tokens(self) -> float:
        return self.latin / LATIN_PER_TOKEN + self.cjk / CJK_PER_TOKEN

    @property
    def languages(self) -> dict[str, float]:
        """Share of tokens by language; empty for an empty text, and without shares under 1 %."""
        total = self.tokens
        if not total:
            return {}
        shares = {"en": self.latin / LATIN_PER_TOKEN / total, "zh": self.cjk / CJK_PER_TOKEN / total}
        return {name: round(share, 3) for name, share in shares.items() if share >= 0.01}


def count_letters(utf8: bytes) -> Letters:
    """Counts by deleting the lead bytes of CJK characters, which is quicker than decoding."""
    cjk = len(utf8) - len(utf8.translate(None, _CJK_LEADS))
    return Letters(max(0, len(utf8) - 3 * cjk), cjk)
