"""The questionnaire as data, from which pages and flags are built, and the reading of its answers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from .contradictions import refuse_contradictions
from .schema import Needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    value: str
    label: str
    label_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: `key` of Needs, its wording, and for `kind` "choice" what may be answered. All are optional."""

    key: str
    kind: Literal["choice", "yes_no", "number", "count", "text"]
    text: str
    text_zh: str
    help: str = ""
    help_zh: str = ""
    choices: tuple[Choice, ...] = ()


def _choices(*rows: tuple[str, str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value=value, label=label, label_zh=label_zh) for value, label, label_zh in rows)


def _ask(
    key: str, kind: Any, text: str, text_zh: str, help: str = "", help_zh: str = "", *rows: Any
) -> Question:
    return Question(
        key=key, kind=kind, text=text, text_zh=text_zh, help=help, help_zh=help_zh, choices=_choices(*rows)
    )


# In the order of how much an answer moves the recommendation (benchmarks/question_effect.py measures it), save that the
# task comes first, a trial before its result, and questions about the machine last.
QUESTIONS: tuple[Question, ...] = (
    _ask(
        "task", "choice", "What shall the model do?", "模型要完成什么任务？",
        "The main task; ask again for another one.", "选择最主要的任务。",
        ("qa", "Answer questions", "问答"),
        ("classification", "Classify texts", "文本分类"),
        ("extraction", "Extract facts", "信息抽取"),
        ("summarization", "Summarise", "摘要"),
        ("report_generation", "Write reports", "撰写报告"),
        ("nl_to_query", "Turn questions into queries (SQL and the like)", "自然语言转查询（如 SQL）"),
        ("code_completion", "Complete code", "代码补全"),
        ("structured_output", "Give structured output", "结构化输出"),
        ("translation", "Translate", "翻译"),
        ("dialogue", "Hold a conversation", "对话"),
        ("style", "Write in a given style", "按指定风格写作"),
    ),
    _ask(
        "gap", "choice", "What does a good general model lack for it?", "通用大模型目前缺少什么？",
        "Knowledge stands in your documents; behaviour is how to answer: style, format, conventions.",
        "知识写在你的文档里；行为指回答的方式：风格、格式、惯例。",
        ("knowledge", "Knowledge", "知识"),
        ("behaviour", "Behaviour", "行为"),
        ("both", "Both", "两者都缺"),
        ("none", "Neither", "都不缺"),
    ),
    _ask("prompting_tried", "yes_no", "Has a plain prompt been tried?", "试过只用提示词吗？"),
    _ask(
        "prompting_sufficient", "yes_no", "Was a plain prompt good enough?", "只用提示词的效果够好吗？",
        "For example 8 of 10 real questions answered well.", "例如 10 个真实问题中有 8 个回答得好。",
    ),
    _ask("rag_tried", "yes_no", "Has retrieval been tried?", "试过检索增强（RAG）吗？"),
    _ask("rag_sufficient", "yes_no", "Was retrieval good enough?", "检索增强的效果够好吗？"),
    _ask("needs_citations", "yes_no", "Must answers cite their source?", "回答必须注明出处吗？"),
    _ask(
        "per_document_access", "yes_no",
        "May some readers see only some of the documents?", "不同用户可见的文档不同吗？",
    ),
    _ask(
        "update_days", "number", "Every how many days do the documents change?", "文档每隔多少天更新一次？",
        "1 = daily, 7 = weekly, 30 = monthly, 1000 = hardly ever.", "1 = 每天，7 = 每周，30 = 每月，1000 = 几乎不变。",
    ),
    _ask("instructions_fit_prompt", "yes_no", "Do your instructions fit into a prompt?", "指令能放进一个提示词里吗？"),
    _ask(
        "long_tail_knowledge", "yes_no", "Are rare facts asked for?", "会问到冷门事实吗？",
        "Facts that stand in few documents and are asked for seldom.", "只出现在少数文档里、很少被问到的事实。",
    ),
    _ask(
        "preference_pairs", "count",
        "How many preference pairs are there?", "有多少对偏好数据？",
        "Two answers to one question, of which one is marked as better.", "同一问题的两个回答，其中一个标为更好。",
    ),
    _ask(
        "unlabelled_tokens", "count",
        "How many tokens of plain text of the field are there?", "领域纯文本约有多少 token？",
    ),
    _ask("large_behaviour_shift", "yes_no", "Must the behaviour change far?", "模型的行为需要大幅改变吗？"),
    _ask(
        "labelled_examples", "count", "How many labelled examples are there?", "有多少条标注样例？",
        "Questions with answers, texts with labels.", "带答案的问题、带标签的文本。",
    ),
    _ask(
        "style_or_format_task", "yes_no", "Is a fixed style, tone or format wanted?", "需要固定的风格、语气或格式吗？",
    ),
    _ask(
        "retrieval_noisy", "yes_no", "Is what retrieval finds often beside the point?", "检索结果经常不相关吗？",
        "Look-alike documents are the usual cause.", "常见原因是有许多相似的文档。",
    ),
    _ask(
        "tenants", "count",
        "How many tenants are there, each with a behaviour of its own?", "有多少个租户各有自己的行为要求？",
        "Customers or departments; 1 where all are treated alike.", "客户或部门；若对所有人一样则填 1。",
    ),
    _ask(
        "domain_language", "yes_no", "Has the field a language of its own?", "该领域有自己的专业语言吗？",
        "Terms and conventions that a general model gets wrong.", "通用模型常用错的术语和惯例。",
    ),
    _ask("preserve_base", "yes_no", "Must the model keep all it can do today?", "必须保留模型现有的能力吗？"),
    _ask(
        "stage", "choice", "What is it for now?", "目前处于什么阶段？", "", "",
        ("prototype", "A prototype", "原型"),
        ("production", "Production", "生产"),
    ),
    _ask("latency_sensitive", "yes_no", "Must answers come fast?", "对响应速度敏感吗？"),
    _ask(
        "latency_ms", "number",
        "Or: within how many milliseconds must a whole answer be there?", "或者：完整回答须在多少毫秒内给出？",
    ),
    _ask("queries_per_day", "number", "How many questions a day?", "每天多少次提问？"),
    _ask(
        "only_one_method", "yes_no",
        "Is there room for one method only, retrieval or training?", "检索和训练只能选一种吗？",
    ),
    _ask("corpus_growing", "yes_no", "Do the documents keep growing?", "文档会持续增加吗？"),
    _ask("corpus_tokens", "count", "How many tokens do the documents hold?", "文档总共约多少 token？"),
    _ask("cost_sensitive", "yes_no", "Does cost matter most?", "成本是首要考虑吗？"),
    _ask(
        "privacy", "choice", "Where may the data go?", "数据可以放在哪里？", "", "",
        ("any", "Anywhere", "不限"),
        ("internal", "Inside the company", "公司内部"),
        ("on_prem", "On our own machines", "本地机房"),
        ("air_gapped", "On machines without a network", "离线环境"),
    ),
    _ask(
        "language", "choice", "Which language?", "使用什么语言？", "", "",
        ("en", "English", "英文"),
        ("zh", "Chinese", "中文"),
        ("both", "English and Chinese", "中英文"),
    ),
    _ask(
        "constraint", "choice", "What limits the training?", "训练的主要限制是什么？", "", "",
        ("gpu_memory", "GPU memory", "显存"),
        ("sequence_length", "Sequence length", "序列长度"),
        ("batch_size", "Batch size", "批大小"),
        ("training_speed", "Training speed", "训练速度"),
        ("training_cost", "Training cost", "训练成本"),
    ),
    _ask(
        "model", "text", "Which model?", "使用哪个模型？",
        "A catalogued name or a folder.", "目录中的名称或本地文件夹。",
    ),
    _ask("model_params_b", "number", "Or: a model of how many billion parameters?", "或者：多少十亿参数的模型？"),
    _ask(
        "vram_gib", "number", "How much memory has one card, in GiB?", "单张显卡有多少 GiB 显存？",
        "Only where another machine than this one is planned for.", "仅在为另一台机器做规划时填写。",
    ),
    _ask("gpus", "count", "How many such cards are there?", "这样的显卡有几张？"),
)  # fmt: skip

_BY_KEY = {question.key: question for question in QUESTIONS}
_FROM_ONE = ("gpus", "tenants")


def needs_from_dict(answers: Mapping[str, Any]) -> Needs:
    """Answers by key, as a form or a needs.json gives them; None and "" mean not answered.

    Raises ValueError naming the nearest key for one that is unknown, the value that makes no sense, or two answers that
    exclude each other.
    """
    known = [item.name for item in fields(Needs)]
    values: dict[str, Any] = {}
    for key, value in answers.items():
        if key not in known:
            from difflib import get_close_matches

            near = get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ValueError(f"Unknown need {key!r}; did you mean {near!r}? Known: {', '.join(known)}.")
        if value is not None and value != "":
            values[key] = _checked(_BY_KEY[key], value)
    needs = Needs(**values)
    refuse_contradictions(needs)
    return needs


def read_needs(path: str | Path) -> Needs:
    """The answers in a needs.json; FileNotFoundError or ValueError with one line."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(
            f'Needs {file} do not exist; name a JSON file such as {{"gap": "knowledge"}}.'
        )
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no JSON ({error}).") from None
    if not isinstance(content, dict):
        raise ValueError(
            f'{file} holds {type(content).__name__}; write an object such as {{"gap": "knowledge"}}.'
        )
    return needs_from_dict(content)


def _checked(question: Question, value: Any) -> Any:
    if question.kind == "choice":
        allowed = [choice.value for choice in question.choices]
        if value not in allowed:
            raise ValueError(f"{question.key} is {value!r}; choose one of {allowed}.")
        return value
    if question.kind == "yes_no":
        if not isinstance(value, bool):
            raise ValueError(f"{question.key} is {value!r}; answer true or false, or leave it out.")
        return value
    if question.kind == "text":
        if not isinstance(value, str):
            raise ValueError(f"{question.key} is {value!r}; give a name.")
        return value
    return _number(question, value)


def _number(question: Question, value: Any) -> float | int:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    least = 0 if question.kind == "count" or question.key == "queries_per_day" else 1e-6
    if number and value < 1 and question.key in _FROM_ONE:
        raise ValueError(f"{question.key} is {value!r}; give 1 or more, or leave it out.")
    if not number or value < least:
        raise ValueError(
            f"{question.key} is {value!r}; give a number that is not negative{'' if least == 0 else ' or 0'}."
        )
    if question.kind == "count":
        if value != int(value):
            raise ValueError(f"{question.key} is {value!r}; give a whole number.")
        return int(value)
    return float(value)
