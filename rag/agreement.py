"""Whether a claim and a quote can both be true: their numbers, negations, directions and names (pure).

Two sentences may share nine words of ten, or mean almost the same to an embedder, and differ in the one that matters.
Nothing here says that a quote supports a claim; it only finds what speaks against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isclose

from rag.quantities import Quantity, quantities
from rag.turning_words import CLAUSE, LEXICAL_NO, MASS_NOUNS, NO_NAMES, NO_NEGATION, OPPOSITES, PLAIN_NO

_PARTS_OF_A_DATE = ("Y", "M", "D", "Q")
_NAME = re.compile(r"(?<![A-Za-z\d.])[A-Z](?:[A-Za-zÀ-ÿ\d&'’-]*[A-Za-zÀ-ÿ\d])(?![A-Za-zÀ-ÿ\d])")
_OPENING = re.compile(r"(?:^|[.!?:]\s+|\n)[\s\"“‘(\[*-]*$")
_FOLLOWED = re.compile(r"\s+(?:[A-Z]|\d)")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def disagreement(claim: str, quote: str, around: str = "") -> str:
    """What in `quote` speaks against `claim`: "number", "negation", "direction" or "name"; "" for nothing.

    `around` is what stands about the quote: the heading, title and date of its passage, and the passage itself.
    """
    if claim == quote:
        return ""
    around = around or quote
    if not _numbers_agree(claim, quote, around) or not _belong_together(claim, quote, around):
        return "number"
    if not _negations_agree(claim, quote):
        return "negation"
    if not _directions_agree(claim, quote):
        return "direction"
    return "" if _names_agree(claim, quote, around) else "name"


def names(text: str, known: str = "") -> set[str]:
    """Capitalised words that name something, in lower case.

    One that opens a sentence may be any word; it counts when a capital or digit follows it, or when `known` holds it
    capitalised within a sentence or as the opening of another one.
    """
    found: set[str] = set()
    for match in _NAME.finditer(text):
        word = match.group()
        if _bare(word) in NO_NAMES:
            continue
        opens = _OPENING.search(text, 0, match.start()) and not _FOLLOWED.match(text, match.end())
        if not opens or not word[1:].islower() or _names_something(word, known):
            found.add(_bare(word))
    return found


def _names_something(word: str, known: str) -> bool:
    """Whether a word that opens a sentence is a name: others are plurals, substances, or stand in small letters too."""
    common = (
        word.endswith("s")
        or word.lower() in MASS_NOUNS
        or re.search(rf"\b{re.escape(word.lower())}\b", known)
    )
    return not common and bool(re.search(rf"(?<![\w.]){re.escape(word)}\b", known))


def _bare(word: str) -> str:
    return re.sub(r"['’]s$", "", word.lower())


def _met(wanted: Quantity, held: Iterable[Quantity]) -> bool:
    return any(_same(wanted, other) for other in held)


def _same(wanted: Quantity, held: Quantity) -> bool:
    if not isclose(wanted.value, held.value, rel_tol=1e-6):
        return False
    if wanted.kind == held.kind:
        return True
    # A number without a unit agrees with one that has a unit, but a share is never a count.
    bare, other = (wanted, held) if not wanted.kind else (held, wanted)
    return not bare.kind and not (bare.counts and other.kind in ("%", "pp", *_PARTS_OF_A_DATE))


def _numbers_agree(claim: str, quote: str, around: str) -> bool:
    held = quantities(quote)
    dates = [quantity for quantity in quantities(around) if quantity.kind in _PARTS_OF_A_DATE]
    dated = any(quantity.kind == "Y" for quantity in held)
    for wanted in quantities(claim):
        beside = dates if wanted.kind in _PARTS_OF_A_DATE and not dated else ()
        if not _met(wanted, held) and not _met(wanted, beside):
            return False
    return True


def _belong_together(claim: str, quote: str, around: str) -> bool:
    """No number is taken from a clause about another year or another name than the claim's."""
    if re.search(r"\brespectively\b|分别|依次", quote, re.IGNORECASE):
        return True
    asked = quantities(claim)
    years = {quantity.value for quantity in asked if quantity.kind == "Y"}
    named = names(claim, around)
    clauses = [(quantities(clause), names(clause, around)) for clause in _clauses(quote)]
    for wanted in (quantity for quantity in asked if quantity.kind not in _PARTS_OF_A_DATE):
        holding = [clause for clause in clauses if _met(wanted, clause[0])]
        if holding and not any(_about(*clause, years, named) for clause in holding):
            return False
    return True


def _about(held: Iterable[Quantity], held_names: set[str], years: set[float], named: set[str]) -> bool:
    held_years = {quantity.value for quantity in held if quantity.kind == "Y"}
    other_year = bool(years and held_years and not years & held_years)
    other_name = bool(named and held_names and not named & held_names)
    return not other_year and not other_name


def _clauses(text: str) -> list[str]:
    return [clause for clause in CLAUSE.split(text) if clause and clause.strip()]


def _negations_agree(claim: str, quote: str) -> bool:
    """Each clause of the claim is negated as the clause of the quote is that shares most words with it."""
    if bool(_HAN.search(claim)) != bool(_HAN.search(quote)):  # no words to compare clause by clause
        return negated(claim) == negated(quote)
    parts = _clauses(quote)
    for clause in _clauses(claim):
        words = _content(clause)
        shared = [len(words & _content(part)) for part in parts]
        most = max(shared, default=0)
        if not most:
            continue
        rivals = [part for part, count in zip(parts, shared, strict=True) if count == most]
        if not any(negated(part) == negated(clause) for part in rivals):
            return False
    return True


def negated(text: str) -> bool:
    """Whether a clause says that something is not so; "not refused" says that it is."""
    bare = NO_NEGATION.sub(" ", text)
    return bool(PLAIN_NO.search(bare)) != bool(LEXICAL_NO.search(bare))


def _content(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if word not in NO_NAMES}


def _directions_agree(claim: str, quote: str) -> bool:
    for one, other in OPPOSITES:
        said, held = (
            (bool(one.search(claim)), bool(other.search(claim))),
            (bool(one.search(quote)), bool(other.search(quote))),
        )
        if said in ((True, False), (False, True)) and held == (said[1], said[0]):
            return False
    return True


def _names_agree(claim: str, quote: str, around: str) -> bool:
    """A name that the quote lacks must stand around it, and the quote must then be about no other."""
    if bool(_HAN.search(claim)) != bool(_HAN.search(quote)):
        return True  # names are written in another script
    lower, beside = quote.lower(), around.lower()
    asked = names(claim, around)
    missing = {name for name in asked if name not in lower}
    if not missing:
        return True
    others = {name for name in names(quote, around) if name not in claim.lower()}
    return not others and all(name in beside for name in missing)
