"""Signs that a question leans on the one before it, English and Chinese; and the words that carry its content."""

from __future__ import annotations

import re

from rag.words import RUN, tokenize

_HAN = re.compile(r"[\u3400-\u9fff]")

# How a follow-up begins. What is left after it may be a question of its own.
LEADS = re.compile(
    r"^(?:(?:ok(?:ay)?|and|but|so|or|then|also|well|now|yes|no|thanks|thank you|in that case)\b[\s,]*)*"
    r"(?:(?:what|how)\s+about\b|what\s+if\b(?=\s+(?:it|they|this|that)\b))?\s*"
    r"|^(?:那么?|还有|另外|然后|好的?[，,]?|而且?|以及|如果是|换成)[，,、]?\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"^\W*(?:and|but|or|then|also|(?:ok(?:ay)?[\s,]+)?(?:what|how)\s+about)\b", re.IGNORECASE)

_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|these)\b"
    r"|\bthose\b(?!\s+(?:with|of|who|whose|in|at|from|that|which)\b)"
    r"|(?:^|\b(?:is|was|are|were|do|does|did|has|have|can|could|will|would|should|may|might|must|about|of|in|on|at|by|"
    r"for|from|to|than|after|before|with|since|until|and|but|if|why|how|when|what)\s+)(?:this|that)\b"
    r"(?=\s*(?:\?|$|,)|\s+\w+\s*\?|\s+(?:is|was|does|did|has|will|would|can|could|may|must|should|appl|mean|include|"
    r"happen|cost|work|to|for|in|at|be|case|one|year|period|point|amount|number|figure|policy|rule|version|document|"
    r"report|plan|product|service|person|company|time|day|date|place))"
    r"|\bthe\s+(?:same|other|others)(?=\s*(?:\?|$|,|\bfor\b|\btrue\b|\bappl|\bin\b|\bones?\b))"
    r"|\bthe\s+(?:former|latter|rest|first\s+one|second\s+one|last\s+one|next\s+one)(?=\s*(?:\?|$|,)|\s+(?!of\b))"
    r"|\b(?:the|which|another|other)\s+ones?\b|\bone\s+of\s+(?:them|those)\b",
    re.IGNORECASE,
)
# "It" that stands for nothing.
_EMPTY_IT = re.compile(
    r"\b(?:is|was|would|will|isn't|can|could|may|might|makes?|makes?\s+sense)\s+it\s+(?:be\s+|ever\s+|still\s+|also\s+)*"
    r"(?:possible|necessary|allowed|permitted|required|ok(?:ay)?|safe|legal|mandatory|compulsory|true|normal|common|"
    r"enough|important|better|worth|dangerous|advisable|likely|obligatory|that|to)\b"
    r"|\bdoes\s+it\s+(?:take|cost|matter)\b|\bit(?:'s|\s+is)\s+(?:possible|true|necessary)\b|\bit\s+(?:takes?|rains?)\b",
    re.IGNORECASE,
)
_CHINESE_PRONOUN = re.compile(
    r"[它她]们?的?|(?<!其)他们?的?(?!人)|(?<!应)该(?=[项款条政版产公部药员合文报计方])|上述|前者|后者|另(?:外)?一[个种项]|其(?![他它中余实次])"
    r"|(?:这|那)(?:个|些|种|项|份|款|条|位|里|次|样)|同样的?(?=[^，。]{0,4}[吗呢？?])",
)
_POSSESSIVE = re.compile(r"its|their|his|her|其|[它她他]们?的", re.IGNORECASE)
# After one of these a pronoun stands for what was named before it in the same question.
_CLAUSE = re.compile(
    r"[,;:，；：。！]|[.!?]\s|\b(?:and|but|or|when|if|who|which|that|while|because|before|after)\b",
    re.IGNORECASE,
)

_MORE = re.compile(
    r"^\W*(?:(?:tell|give|show)\s+me\s+more|(?:any|some)(?:thing|one|body|where)?\s+(?:else|more|others?)|what\s+else|"
    r"who\s+else|why(?:\s+not)?|how\s+so|since\s+when|until\s+when|really|for\s+example|such\s+as)\b[^a-z]*$"
    r"|^(?:还有(?:别的|其他|什么)?|为什么|为何|然后|具体(?:一点)?|详细(?:一点|说说)?|举个例子)[呢吗]?[？?。]*$",
    re.IGNORECASE,
)
_PLACED = re.compile(
    r"^(?:in|for|at|on|during|by|with|from|after|before|under|without|per|of|since|until|to)\s+(?:the\s+|a\s+|an\s+)?\S+",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)\b", re.I
)
_PARTICLE_ALONE = re.compile(r"[呢]\s*[？?]?$")
_CHINESE_ASKING = re.compile(
    r"什么时候|什么|哪(?:些|个|一|里|儿|年|种|家|位|几)?|是?多少钱?|多久|多长时间|多长|多大|多高|多远|几(?:点|个|天|年|月|次|岁|种|位|家|号)?"
    r"|谁|何时|为何|如何|怎么办|怎么样|怎样|怎么|是否|能否|可否|请问|是不是|能不能|可不可以|可以|需要|应该|要不要|有没有|[吗呢吧啊呀？?，,。！]|一下"
)
# Words that say which thing is asked of something; alone they lack the something.
_OF_SOMETHING = frozenset(
    [
        *(
            "amount",
            "address",
            "answer",
            "cause",
            "condition",
            "conditions",
            "cost",
            "costs",
            "date",
            "deadline",
        ),
        *(
            "difference",
            "duration",
            "exception",
            "exceptions",
            "fee",
            "fees",
            "limit",
            "limits",
            "maximum",
            "minimum",
        ),
        *(
            "name",
            "number",
            "percentage",
            "price",
            "purpose",
            "rate",
            "reason",
            "reasons",
            "result",
            "results",
        ),
        *(
            "share",
            "size",
            "total",
            "unit",
            "value",
            "length",
            "average",
            "impact",
            "effect",
            "advantage",
            "risk",
        ),
    ]
)
_ASKING = frozenset(
    [
        *("what", "which", "who", "whom", "whose", "when", "where", "why", "how", "much", "many", "long", "often"),
        *("please", "tell", "give", "show", "list", "explain", "describe", "mean", "means", "happen", "happens"),
        *("kind", "sort", "type", "exactly", "need", "get", "got", "one", "ones", "else", "more", "other", "same"),
        *("about", "any", "anything", "some", "something", "just", "still", "really", "again", "too", "also", "after"),
        *("before", "during", "since", "until", "under", "per", "may", "might", "must", "ok", "okay", "not"),
        *("yes", "no"),
        *("first", "last", "apply", "applies", "he", "him", "his", "hers", "theirs", "those", "within", "without"),
    ]
)  # fmt: skip
_TIME = re.compile(
    r"^(?:\d[\d.,%-]*|q[1-4]|quarters?|half|year|years|month|months|week|weeks|day|days|second|third|fourth|previous|"
    r"next|today|tomorrow|yesterday|now)$",
    re.IGNORECASE,
)


def leaning(question: str) -> str:
    """The sign by which a question leans on what was said before, "" when it stands alone."""
    text = question.strip()
    if _MORE.search(text):
        return "it asks for more of the same"
    if _points_back(text):
        return "it points back to something"
    if _HAN.search(text):
        return _chinese_gap(text)
    return _english_gap(text)


def content_words(text: str) -> list[str]:
    """The words of a text that name something, as they stand, each once; Chinese as runs between asking words."""
    found: list[str] = []
    for run in RUN.findall(text):
        if _HAN.match(run):
            found += [
                part for part in _CHINESE_ASKING.sub(" ", _without_pronouns(run)).split() if tokenize(part)
            ]
        elif run.lower() not in _ASKING and tokenize(run):
            found.append(run)
    return list(dict.fromkeys(found))


def _without_pronouns(run: str) -> str:
    return re.sub(r"的$|^的", "", _CHINESE_PRONOUN.sub(" ", run)).strip()


def _points_back(text: str) -> bool:
    """A pronoun, unless an earlier clause of the question itself names what it stands for."""
    blanked = _EMPTY_IT.sub(lambda match: " " * len(match.group()), text)
    for pattern in (_PRONOUN, _CHINESE_PRONOUN):
        for match in pattern.finditer(blanked):
            clauses = [part.end() for part in _CLAUSE.finditer(blanked, 0, match.start())]
            own = _POSSESSIVE.fullmatch(match[0]) is not None  # "how does the group treat its suppliers"
            named_within = match.start() if own else clauses[-1] if clauses else 0
            if not content_words(blanked[:named_within]) and not _is_named(blanked[: match.start()]):
                return True
    return False


def _is_named(before: str) -> bool:
    """Chinese needs no sign between a subject and the clause about it."""
    return bool(_HAN.search(before)) and sum(map(len, content_words(before))) >= 4


def _english_gap(text: str) -> str:
    own = LEADS.sub("", text).strip(" ,")
    words = content_words(own)
    if not words:
        return "it names nothing by itself"
    if all(_TIME.match(word) for word in words):
        return "it names a time or a number alone"
    verb = _VERB.search(own)
    if _AND.match(text) and (verb is None or len(words) < 2):
        return "it goes on from the question before"
    if _PLACED.match(own) and verb is None and len(words) <= 4:
        return "it names a circumstance alone"
    if all(word.lower() in _OF_SOMETHING for word in words):
        return "it does not say of what"
    return "it names one thing and asks nothing" if len(words) == 1 and _is_bare(own) else ""


def _is_bare(own: str) -> bool:
    return _VERB.search(own) is None and own.rstrip().endswith("?")


def _chinese_gap(text: str) -> str:
    own = LEADS.sub("", text).strip(" ,，、")
    words = content_words(own)
    length = sum(len(word) for word in words)
    if not words:
        return "it names nothing by itself"
    if _PARTICLE_ALONE.search(text) and not _CHINESE_ASKING.search(own.rstrip("呢？?")):
        return "it goes on from the question before"
    if own != text and length <= 6:
        return "it goes on from the question before"
    if _asks_chinese(own) and length <= 2 and not re.search(r"[A-Za-z]", own):
        return "it does not say of what"
    return ""


def _asks_chinese(text: str) -> bool:
    return _CHINESE_ASKING.search(text) is not None
