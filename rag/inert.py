"""Text of documents made inert for a model: nothing invisible in it, nothing that reads as a delimiter or a turn.

The text of a document itself is never changed: citations are checked against it as it was stored. What is changed is
the copy that a prompt or a screen gets.
"""

from __future__ import annotations

import re
import unicodedata

# Signs that a model, or the normaliser of its tokenizer, may take for one of < > | [ ] # : /.
_ALIKE = {
    "<": "‹〈⟨❮❬≺ᐸ˂𐌂〈⧼ㄑ˱",
    ">": "›〉⟩❯❭≻ᐳ˃〉⧽˲",
    "|": "¦ǀ∣│┃❘❙❚丨ⵏ⏐￨︱︳ꟾ",
    "[": "【〔〖⟦⁅",
    "]": "】〕〗⟧⁆",
    "/": "⁄∕⧸╱",
    ":": "∶：꞉︓ː",
    "_": "▁＿‿",
}
# Cyrillic and Greek letters that are drawn as Latin ones: "sоurce" is not "source" to a machine.
_DRAWN_ALIKE = dict(
    zip(
        "аеорсхуіѕјкмтнвАЕОРСХУІЅЈКМТНВαορντικεΑΕΟΡΤΙΚΝΜΗΒΧ",
        "aeopcxyisjkmthbAEOPCXYISJKMTHBaopvtikeAEOPTIKNMHBX",
        strict=True,
    )
)
_FOLDED = {ord(alike): sign for sign, found in _ALIKE.items() for alike in found}
_FOLDED |= {ord(alike): sign for alike, sign in _DRAWN_ALIKE.items()}

# Names of tags that some chat template, tool protocol or this program's own prompt gives a meaning to. Others such as
# <b> or <String> stay. A name with | or _ in it is no HTML, and is what templates like best.
_NAMES = (
    r"(?:sources?|documents?|context|system|sys|user|human|assistant|bot|model|developer|instructions?|prompt|message"
    r"|msg|tools?|tool\w*|functions?|function\w*|invoke|parameters?|args?|results?|observation|answer|question|query"
    r"|think\w*|thought|reasoning|reflection|scratchpad|output|s|bos|eos|pad|unk|mask|sep|cls|sop|eop|eod|eot|eoh|eoa"
    r"|im|fim\w*|turn|role|channel|call|unused\d*|reserved\d*|extra|image|audio|video|artifact|cite|citations?)"
)
_TAG = re.compile(
    rf"<(?=\s*[|!]|\s*<|\s*/?\s*{_NAMES}\b|\s*/?\s*[\w.-]*(?:[|_]|:[A-Za-z])|\s*[\w.-]*\s*\|\s*>)",
    re.IGNORECASE,
)
_BARRED = re.compile(r"(?<=\|)\s*>|\]<\]|\](?=~)")  # the closing half of <|…|>, and MiniMax's marks
_BRACKET = re.compile(
    r"\[(?=\s*/?\s*(?:INST|SYS|SYSTEM\w*|AVAILABLE_TOOLS|TOOL\w*|TOOL_\w+|gMASK|sMASK|MASK|CLS|SEP|UNK|PAD|BOS|EOS"
    r"|THINK|END\w*|START\w*|USER|ASSISTANT|HUMAN|PREFIX|SUFFIX|MIDDLE|IMG\w*|ARGS|CALL_ID|MODEL_SETTINGS)\b|\[?e~)",
    re.IGNORECASE,
)
# The head of a turn in templates without control tokens ("### Instruction:", "Human:"), at the start of a line.
_TURN = re.compile(
    r"^(?=[ \t>*_\-\"']*(?:#{1,6}[ \t]*)?[*_\[(]*[ \t]*"
    r"(?:system|assistant|user|human|ai|gpt|bot|model|chatgpt|claude|llama|gemini|developer|instructions?|prompt|tool"
    r"|response|input|output|question|answer|observation|action|thought|final answer|end of (?:sources?|documents?)"
    r"|系统|系统提示|助手|助理|用户|人类|指令|提示词?|问题|回答|答复|工具|模型|输入|输出)"
    r"[*_\])]*(?:[ \t]+(?:message|prompt|turn|note|instructions?|override|result|output|消息|提示|指令))?"
    r"[*_\])]*[ \t]*(?::|$))",
    re.IGNORECASE | re.MULTILINE,
)
# Joiners carry meaning between letters of these scripts (Arabic to Sinhala, Myanmar, Khmer, Mongolian) alone.
_JOINED = re.compile(r"[\u0600-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af]")
# Letters and marks that are drawn as nothing: fillers, variation selectors (bytes can be hidden in them).
_BLANK = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BREAK = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Text without what is not drawn (zero width, bidirectional orders, tag characters) and without control codes.

    Line breaks and tabs stay, and joiners where a script needs them.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _BREAK.sub("\n", text)
    kept = [sign for place, sign in enumerate(text) if _is_drawn(text, place, sign)]
    return _BLANK.sub("", "".join(kept))


def _is_drawn(text: str, place: int, sign: str) -> bool:
    if sign in "\n\t":
        return True
    if sign in "\u200c\u200d":
        around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
        return len(_JOINED.findall(around)) == 2
    # Cf: formats, Cc: controls, Co: private, Cs: surrogates, Cn: unassigned.
    return unicodedata.category(sign) not in ("Cf", "Cc", "Co", "Cs", "Cn")


def without_controls(text: str) -> str:
    """Visible text in which no delimiter of sources and no control token of a chat template is left.

    The sign that opens it is written as an entity ("&lt;", "&#91;"), whatever width or look-alike it came in.
    """
    shown = visible(text)
    folded = _folded(shown)
    places = {match.start(): "&lt;" for match in _TAG.finditer(folded)}
    places |= {match.end() - 1: "&gt;" for match in _BARRED.finditer(folded) if match.group().endswith(">")}
    places |= {match.start(): "&#93;" for match in _BARRED.finditer(folded) if match.group().startswith("]")}
    places |= {match.start(): "&#91;" for match in _BRACKET.finditer(folded)}
    return "".join(places.get(place, sign) for place, sign in enumerate(shown)) if places else shown


def quoted(text: str) -> str:
    """As `without_controls`; a line that opens like a turn ("System:", "### Instruction:") is marked as a quotation."""
    shown = visible(text)
    starts = {match.start() for match in _TURN.finditer(_folded(shown))}
    if not starts:
        return without_controls(shown)
    return without_controls("".join("> " + sign if at in starts else sign for at, sign in enumerate(shown)))


def _folded(text: str) -> str:
    """The text, sign for sign, as a tokenizer's normaliser or a lenient reader would take it."""
    return text if text.isascii() else "".join(_fold(sign) for sign in text)


def _fold(sign: str) -> str:
    if sign.isascii():
        return sign
    known = _FOLDED.get(ord(sign))
    if known:
        return known
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) == 1 else sign
