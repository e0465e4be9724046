"""Words that turn a sentence's meaning round, English and Chinese: negations, opposites, joints of clauses."""

from __future__ import annotations

import re

CLAUSE = re.compile(
    r"(?<!\d)[,，](?!\d)|[,，](?=\s)|\.(?=\s|$)|[;；:：。!?！？]|\s[-–—]\s"
    r"|\b(?:but|while|whereas|although|though|however|and|because|if|unless)\b"
    r"|而且|但是|但|而|虽然|尽管|如果|因为|和|且",
    re.IGNORECASE,
)
# Words that hold a negation without negating, blanked before one is looked for.
NO_NEGATION = re.compile(
    r"\bnot only\b|\bno (?:later|more|less|fewer|sooner|earlier) than\b|\bno\.\s*\d|\bno doubt\b|\bnot least\b"
    r"|不仅|不但|不只|不光|不过|不断|不少|不同|不久|不超过|不少于|不低于|不高于|不晚于|不迟于|不得不|不足|不锈|不动产"
    r"|不良|不错|非常|非洲|非凡|除非|是否|能否|可否|无论|无锡|无线|无形|未来|未婚|特别|分别|区别|级别|类别|性别|个别"
    r"|别墅|别名|没收|沉没",
    re.IGNORECASE,
)
PLAIN_NO = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|without|hardly)\b|n['’]t\b|[不没未无勿莫]"
    r"|并非|而非|非(?=[^常])|别(?=[的去用让把给])",
    re.IGNORECASE,
)
LEXICAL_NO = re.compile(
    r"\b(?:forbid(?:s|den)?|forbade|prohibit(?:s|ed)?|ban(?:s|ned)|den(?:y|ies|ied)|refus(?:e|es|ed)|reject(?:s|ed)?"
    r"|lack(?:s|ed)?|unable|fail(?:s|ed)? to|impossible|ineligible|invalid|exclud(?:e|es|ed)|except|unavailable"
    r"|illegal)\b"
    r"|禁止|拒绝|否认|缺乏|严禁|谢绝|除外",
    re.IGNORECASE,
)
_UP = (
    r"\b(?:ros(?:e|en)|rises?|rising|increas\w*|grew|grow(?:s|n|th|ing)?|climb\w*|gain(?:s|ed)?|up|higher|more|above|over"
    r"|exceed\w*)\b|增长|增加|上升|上涨|提高|提升|超过|高于|多于|扩大"
)
_DOWN = (
    r"\b(?:fell|falls?|fallen|falling|decreas\w*|declin\w*|dropp?\w*|shr[aiu]nk\w*|down|lower|less|fewer|below|under"
    r"|reduc\w*)\b|下降|减少|下跌|降低|下滑|低于|少于|不足|缩小|不超过"
)
OPPOSITES = [
    (re.compile(one, re.IGNORECASE), re.compile(other, re.IGNORECASE))
    for one, other in (
        (_UP, _DOWN),
        (r"\b(?:profits?|profitable|surplus)\b|盈利|盈余", r"\b(?:loss(?:es)?|deficit)\b|亏损|赤字"),
        (r"\b(?:open(?:s|ed)?)\b|开门|开放|营业", r"\b(?:clos(?:e|es|ed))\b|关门|关闭|歇业"),
        (r"\b(?:bought|buys?|acquir\w*)\b|买入|收购|购买", r"\b(?:sold|sells?)\b|卖出|出售"),
        (r"\bbefore\b|之前|以前", r"\bafter\b|之后|以后"),
        (
            r"\b(?:minimum|at least|least)\b|至少|最少|最低",
            r"\b(?:maximum|at most|up to|most)\b|至多|最多|最高",
        ),
        (r"\b(?:safe|harmless)\b|安全|无害", r"\b(?:unsafe|dangerous|harmful)\b|危险|有害"),
        (r"\b(?:includ(?:e|es|ed|ing))\b|包括|包含|含税", r"\b(?:exclud(?:e|es|ed|ing))\b|不含|不包括"),
        (r"\b(?:free|gratis)\b|免费", r"\b(?:charged|paid|fee)\b|收费|付费"),
        (r"\ball\b|全部|所有|一律", r"\b(?:some|only|part)\b|部分|仅|只有|只限"),
        (r"\b(?:left|west\w*)\b|左侧|西部", r"\b(?:right|east\w*)\b|右侧|东部"),
    )
]
# Capitalised without naming anything: openings of sentences, dates, the words of answers.
NO_NAMES = frozenset(
    """
    a an the this that these those it its they their he she his her we our you your i in on at of for from by to with
    and
    or but if as is are was were be been has have had do does did not no yes all any some each every both most more when
    where which who what why how there here then thus also however according after before during since until while
    because although though under over january february march april may june july august september october november
    december monday tuesday wednesday thursday friday saturday sunday jan feb mar apr jun jul aug sep sept oct nov dec
    source sources document documents section article page table figure chapter answer question note please q1 q2 q3 q4
    eur usd cny rmb gbp ok faq
    """.split()  # noqa: SIM905 - a list would take a line a word
)
# Nouns that open sentences without an article.
MASS_NOUNS = frozenset(
    """
    revenue income profit cash debt equity growth output production demand supply turnover interest tax capital staff
    management treatment therapy surgery medication blood pain fever sleep exercise diet nutrition insurance delivery
    payment access parking breakfast lunch dinner admission entry travel work training software hardware data
    information research evidence water food energy power heating opened damaged total net gross operating average
    annual monthly daily new other another people everyone nobody nothing something
    """.split()  # noqa: SIM905 - a list would take a line a word
)
