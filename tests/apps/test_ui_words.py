"""Every word of the pages is there in Chinese, and none that no page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import apps.ui
from advisor.phrase import say, translations
from apps.ui.news_words import NEWS
from apps.ui.words import CHINESE, REASONS, word

PAGES = Path(apps.ui.__file__).parent


def strings_of_the_pages() -> set[str]:
    """Every string in the code of the pages, constants that are joined included."""
    nodes = [
        node
        for path in PAGES.glob("*.py")
        if path.name != "words.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def said() -> set[str]:
    """The strings that a page passes to say()."""
    found = set()
    for path in PAGES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("say", "word")
            ):
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


def test_what_a_page_says_is_there_in_chinese() -> None:
    assert said() - set(CHINESE) - set(NEWS) - set(translations()) == set()


def test_no_word_is_kept_that_no_page_says_or_that_the_reports_have_already() -> None:
    stages = {"read", "split", "embed", "write"}  # of indexing; they reach say() as variables
    assert set(CHINESE) - strings_of_the_pages() - stages == set()
    assert set(CHINESE) & set(translations()) == set()


def test_every_reason_why_feedback_makes_no_row_is_there_in_chinese() -> None:
    modules = ("preferences", "judged_answers", "opinions", "preference_pairs", "preference_rows")
    sources = "".join((PAGES.parent / f"{module}.py").read_text("utf-8") for module in modules)
    said = {node.value for node in ast.walk(ast.parse(sources)) if isinstance(node, ast.Constant)}
    sentences = {text for text in said if isinstance(text, str) and re.fullmatch(r"[a-z].{15,}", text)}
    assert sentences == set(REASONS)


def test_a_missing_word_stays_english() -> None:
    assert (word("Yes", "zh"), word("Yes", "en"), word("Unheard of", "zh")) == ("是", "Yes", "Unheard of")


def test_sentences_of_the_advisor_are_put_into_chinese_too() -> None:
    assert word(say("NVML found {count} cards.", count=2), "zh") == "NVML 检测到 2 张显卡。"
