"""Every sentence that the advisor makes stands in facts/zh.toml, with the same fields, and nothing else does."""

import ast
from pathlib import Path
from string import Formatter

import pytest

import advisor
from advisor import QUESTIONS, Hardware, Needs, hardware_with_vram, recommend
from advisor.capacity_text import KINDS
from advisor.catalog import read_facts
from advisor.memory_bar import part_name
from advisor.phrase import say, spoken, translations
from advisor.report_facts import EXAMPLE_KINDS, LANGUAGES, PERSONAL_DATA
from advisor.report_figures import TOKEN_COLOURS
from advisor.wording import CONFIDENCE, FITS, HOSTED, METHODS, STRATEGIES, TIME_UNITS

CODE = Path(advisor.__file__).parent
PARTS = ("weights", "adapters", "gradients", "optimizer", "activations", "logits", "workspace", "kv_cache", "embedder",
         "reranker", "context", "reserved")  # fmt: skip
TOLD = {"say", "spoken", "tell", "head"}  # functions whose first argument is a template or a word


def templates():
    """Constants that the code of the advisor and of its commands hands to say(), spoken() or tell()."""
    files = [*CODE.glob("*.py"), *(CODE.parent / "apps" / "commands").glob("*.py")]
    return {text for file in files for text in told_in(file.read_text("utf-8"))}


def reasons():
    """Why a document cannot be read: the errors of the modules that look into files, without those that vary."""
    files = [CODE / name for name in ("cheap_text.py", "office_glance.py", "pdf_glance.py", "to_utf8.py")]
    return {text for file in files for text in told_in(file.read_text("utf-8"), {"ValueError"})}


def told_in(source, names=frozenset(TOLD)):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
            yield from constants(node.args[0] if node.args else None)


def constants(node):
    """The text itself, or both of 'a if x else b'."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def words():
    tables = (STRATEGIES, CONFIDENCE, HOSTED, FITS, LANGUAGES, PERSONAL_DATA, EXAMPLE_KINDS, KINDS)
    named = {word for table in tables for word in table.values()}
    return named | reasons() | {*TIME_UNITS, *TOKEN_COLOURS, *map(part_name, PARTS)}


def asked():
    """Questions and what may be answered carry their Chinese with them."""
    return {text for q in QUESTIONS for text in (q.text, *(choice.label for choice in q.choices))}


def claims():
    return {row["claim"] for row in read_facts("evidence")}


def fields(template):
    return {(name, spec) for _, name, spec, _ in Formatter().parse(template) if name is not None}


def has_words(template):
    return any(letter.isalpha() for text, *_ in Formatter().parse(template) for letter in text)


def test_every_sentence_and_word_has_its_translation():
    needed = {text for text in templates() | words() if has_words(text)}
    assert sorted(needed - set(translations())) == []


def test_no_translation_is_superfluous():
    spare = set(translations()) - templates() - words() - claims() - asked() - set(METHODS.values())
    assert sorted(spare) == []


def test_a_translation_fills_the_same_fields():
    for english, chinese in translations().items():
        assert {name for name, _ in fields(chinese)} == {name for name, _ in fields(english)}, english
        assert english == chinese or not chinese.isascii() or not has_words(chinese), english


@pytest.mark.parametrize(
    "needs",
    [
        Needs(),
        Needs(gap="both", labelled_examples=800, update_days=30.0, task="report_generation"),
        Needs(gap="knowledge", needs_citations=True, update_days=1.0, per_document_access=True, task="qa"),
        Needs(gap="behaviour", task="classification", labelled_examples=5000, latency_sensitive=True),
        Needs(gap="none", prompting_sufficient=True, unlabelled_tokens=10**6, corpus_tokens=10**5),
        Needs(prompting_sufficient=False, rag_sufficient=False, constraint="gpu_memory", preserve_base=True),
        Needs(large_behaviour_shift=True, instructions_fit_prompt=False, domain_language=True),
        Needs(style_or_format_task=True, labelled_examples=20),
    ],
)  # fmt: skip
@pytest.mark.parametrize("hardware", [None, Hardware(ram_gib=8.0, cpu_cores=4), hardware_with_vram(24)])
def test_a_recommendation_is_chinese_from_end_to_end(needs, hardware):
    for text in sentences(recommend(hardware, None, needs)):
        assert not spoken(text, "zh").isascii(), text


def sentences(found):
    yield from (*found.would_change, *found.near_ties)
    yield from (text for text in (found.first_step, found.confidence_because) if text)
    for option in found.options:
        yield from (reason.text for reason in (*option.reasons, *option.against))
        yield from ([option.rejected] if option.rejected else [])
        yield from option.time.assumptions if option.time else ()
        yield from option.cost.assumptions if option.cost else ()


def test_phrases_within_phrases_are_put_into_chinese_too():
    inner = say("{name}, with {model}", name=STRATEGIES["finetune"], model="Qwen")
    assert spoken(say("{first}; {rest}", first=inner, rest="x"), "zh") == "微调，使用 Qwen；x"


def test_what_is_not_translated_stays_as_it_is():
    assert spoken("unheard of {braces}", "zh") == "unheard of {braces}"
    assert spoken(say("{count:,} unheard of", count=1000), "zh") == "1,000 unheard of"


def test_no_answer_of_the_questionnaire_reads_alike_in_english_and_not_in_chinese():
    pairs = {(c.label, c.label_zh) for q in QUESTIONS for c in q.choices} | {
        (q.text, q.text_zh) for q in QUESTIONS
    }
    assert len(pairs) == len({english for english, _ in pairs})
    assert all(translations()[english] == chinese for english, chinese in pairs)
