"""What a file holds and its reader never sees: text of no size, no colour or no place, comments, hidden runs.

Only what the element itself says is known; style sheets are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag  # takes a tenth of a second to import, and plain text needs none of it

_GONE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*(?:\.0+)?%?\s*(?:!|;|$)"
    r"|font-size\s*:\s*0*(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:!|;|$)|text-indent\s*:\s*-\d{3,}"
    r"|(?:-webkit-)?transform\s*:\s*scale\(\s*0|clip-path\s*:\s*inset\(\s*(?:50|100)%|clip\s*:\s*rect\(\s*[01]\D)",
    re.IGNORECASE,
)
_AWAY = re.compile(r"(?:left|right|top|bottom|margin-left|margin-top)\s*:\s*-\d{3,}", re.IGNORECASE)
_SHUT = re.compile(r"(?:^|;)\s*(?:max-)?(?:height|width)\s*:\s*[01](?:px)?\s*(?:;|$)", re.IGNORECASE)
_COLOUR = re.compile(r"(?:^|;)\s*color\s*:\s*([^;!]+)", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_WHITE = "#ffffff"
_NAMED = {"white": _WHITE, "rgb(255,255,255)": _WHITE, "black": "#000000", "rgb(0,0,0)": "#000000"}
_SPEAKS_OF_COLOUR = ("class", "id", "bgcolor", "background")
_COMMENT = re.compile(
    r"(?P<code>^ {0,3}```.*?(?:^ {0,3}```|\Z)|^ {0,3}~~~.*?(?:^ {0,3}~~~|\Z)|`[^`\n]+`)"
    r"|<!--.*?(?:-->|\Z)|^\[//\]: # ?(?:\(.*?\)|\".*?\"|'.*?')[ \t]*$",
    re.DOTALL | re.MULTILINE,
)


def is_hidden(tag: Tag) -> bool:
    """Whether an HTML element is not drawn, by its own attributes."""
    style = str(tag.get("style", ""))
    if tag.has_attr("hidden") or str(tag.get("aria-hidden", "")).lower() == "true":
        return True
    if not style:
        return False
    shut = _SHUT.search(style) and re.search(r"overflow\s*:\s*hidden", style, re.IGNORECASE)
    return bool(_GONE.search(style) or _AWAY.search(style) or shut) or _has_no_colour(tag, style)


def without_comments(markdown: str) -> str:
    """Markdown without HTML comments and without link definitions that are used as comments; code stays."""
    return _COMMENT.sub(lambda match: match.group() if match["code"] else "", markdown)


def _has_no_colour(tag: Tag, style: str) -> bool:
    """The colour of the ground: the element's own, or white where nothing around it speaks of another."""
    colour = _COLOUR.search(style)
    if colour is None:
        return False
    ink = _colour(colour.group(1))
    ground = _BACKGROUND.search(style)
    if ground is not None:
        return ink in (_colour(ground.group(1)), "transparent")
    around = [tag, *tag.parents]
    other = any(_BACKGROUND.search(str(one.get("style", ""))) for one in around if one.attrs)
    told = any(name in one.attrs for one in around if one.attrs for name in _SPEAKS_OF_COLOUR)
    return ink == "transparent" or (ink == _WHITE and not other and not told)


def _colour(value: str) -> str:
    name = "".join(value.lower().split())
    if re.fullmatch(r"#[0-9a-f]{3}", name):
        return "#" + "".join(2 * digit for digit in name[1:])
    return _NAMED.get(name, name)
