"""Text to the words that BM25 compares: English stemmed, Chinese cut by jieba; mixed text is cut run by run."""

from __future__ import annotations

import atexit
import functools
import logging
import re
import shutil
import tempfile
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A run of Han characters, or a word that may hold inner points and commas between digits ("12.5", "1,200").
_HAN_RANGE = r"\u3400-\u9fff\U00020000-\U0003ffff"
_WORD = rf"[^\W_{_HAN_RANGE}]+"
RUN = re.compile(rf"[{_HAN_RANGE}]+|\d+(?:[.,]\d+)*|{_WORD}(?:['’]{_WORD})?")
_HAN = re.compile(rf"[{_HAN_RANGE}]")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# Words that carry no topic; numbers and negations of meaning ("non", "without") stay.
_STOP = frozenset(
    """
    a about an and are as at be been being but by can could did do does for from had has have how i if in into is it
    its me my of on or our shall she should so such than that the their them then there these they this to was we were
    what when where which who whom why will with would you your
    的 了 和 是 在 与 及 或 等 对 为 有 将 吗 呢 吧 啊 这 那 什么 多少 哪些 如何 怎么 请问 我 你 您 他 她 它
    """.split()  # noqa: SIM905 - a list would take a line a word
)


def tokenize(text: str) -> list[str]:
    """The words of a text: lower case, stemmed when English, without stop words."""
    return _terms(text, _cut)


def index_terms(text: str) -> list[str]:
    """What BM25 compares: the words, and in Chinese also each character and each pair of neighbours, once a run.

    They find what the dictionary cuts differently in question and text, and what is said in half the characters.
    """
    return _terms(text, _cut_with_parts)


def is_chinese(term: str) -> bool:
    """Whether a term was cut out of a run of Han characters."""
    return _HAN.match(term) is not None


def _terms(text: str, cut: Callable[[str], list[str]]) -> list[str]:
    words: list[str] = []
    # Full-width digits and letters, ligatures and signs such as ㎡ become the plain ones. A full-width comma would
    # become one that joins thousands.
    plain = unicodedata.normalize("NFKC", text.replace("，", " ")).lower()
    for run in RUN.findall(plain):
        if _HAN.match(run):
            words += [word for word in cut(run) if word not in _STOP]
        elif run[0].isdigit():
            words += _numbers(run)
        elif run not in _STOP:
            words.append(_stem(run))
    return words


def _numbers(run: str) -> list[str]:
    """1,200.50 is one number, 2,3 are two; of 2024.12.31 each part can be asked for, too."""
    if _THOUSANDS.fullmatch(run):
        return [run.replace(",", "")]
    found = run.split(",")
    return found + [part for number in found if number.count(".") > 1 for part in number.split(".")]


@functools.cache
def _cutter() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own old escapes and pkg_resources
        import jieba

    jieba.setLogLevel(logging.WARNING)
    cutter = jieba.Tokenizer()
    # Its own choice is one name in the shared folder for temporary files, where anybody could put another dictionary.
    cutter.tmp_dir, cutter.cache_file = _own_folder(), f"jieba-{jieba.__version__}.cache"
    return cutter


def _own_folder() -> str:
    """A folder that only this user writes to; one for this process alone where the user has none."""
    folder = Path("~/.cache/llm-adaptation-advisor")
    try:
        folder = folder.expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except (OSError, RuntimeError):  # no home, or one that cannot be written
        own = tempfile.mkdtemp(prefix="advisor-")
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return own


def dictionary_share(word: str) -> float:
    """Share of running Chinese text that a word makes by jieba's dictionary; 0 for one that it does not list."""
    cutter = _cutter()
    cutter.initialize()
    return float(cutter.FREQ.get(word, 0) / cutter.total)


def _cut(run: str) -> list[str]:
    return [word for word in _cutter().cut_for_search(run) if word.strip()]


def _cut_with_parts(run: str) -> list[str]:
    # Without the guesses at unknown words: they take a third of the time, and pairs find the same.
    words = _cutter().cut_for_search(run, HMM=False)
    pairs = (run[start : start + 2] for start in range(len(run) - 1))
    return list(dict.fromkeys([*words, *pairs, *run]))


@functools.cache
def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return stem


@functools.lru_cache(maxsize=1 << 16)  # a word is stemmed once, not once a chunk
def _stem(word: str) -> str:
    return _stemmer()(word.replace("’", "'").removesuffix("'s"))
