"""Grounded rows: what they hold, what they say, and that nothing of the held-out rows is seen in training."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.assistant import Assistant
from apps.ground_sides import part
from apps.grounding import GroundConfig, Room, ground
from finetune.schema import Example
from rag.prompt import refusal
from tests.apps.grounded_world import TOWNS, asked, opened, town_questions, town_texts


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return opened(tmp_path_factory.mktemp("towns"), town_texts())


def sources(row: Example) -> dict[int, str]:
    """Number -> name of the passages in a row's prompt."""
    found = re.findall(r'<source id="(\d+)" name="([^"]+)"', row.messages[-2]["content"])
    return {int(number): name for number, name in found}


def own(row: Example) -> str:
    return f"towns/{TOWNS[row.line - 1].lower()}.txt"


def learned(rows: tuple[Example, ...]) -> list[Example]:
    return [row for row in rows if row.split == "train"]


def test_a_share_of_the_rows_holds_the_passage_that_answers_among_distractors(towns: Any) -> None:
    grounded = ground(town_questions(), towns, GroundConfig(gold_share=0.7, distractors=3))
    rows = learned(grounded.rows)
    golden = [row for row in rows if own(row) in sources(row).values()]
    assert len(golden) == round(0.7 * len(rows)) == grounded.report.with_gold
    assert {len(sources(row)) for row in rows} == {4}
    assert grounded.report.with_gold + grounded.report.without_gold == grounded.report.learned == len(rows)


def test_the_answer_names_the_number_that_the_passage_has_in_this_row(towns: Any) -> None:
    rows = ground(town_questions(), towns, GroundConfig(gold_share=1)).rows
    for row in rows:
        (number,) = re.findall(r"\[(\d+)\]", row.messages[-1]["content"])
        assert sources(row)[int(number)] == own(row)
    assert len({re.findall(r"\[(\d+)\]", row.messages[-1]["content"])[0] for row in learned(rows)}) > 1


def test_the_citations_of_the_answers_stand_up_to_the_check_that_answers_get(towns: Any) -> None:
    report = ground(town_questions(), towns).report
    assert report.citations_hold == 1 and report.found_by == {"exact": len(TOWNS)}


def test_rows_without_the_passage_answer_all_the_same_or_refuse(towns: Any) -> None:
    for setting in ("answer", "refuse"):
        made = ground(town_questions(), towns, GroundConfig(gold_share=0.5, without_gold=setting))
        bare = [row for row in learned(made.rows) if own(row) not in sources(row).values()]
        said = {row.messages[-1]["content"] for row in bare}
        assert bare and (said == {refusal("Who?")}) == (setting == "refuse")
        assert not any("[" in answer for answer in said)


def test_the_prompt_is_what_an_assistant_sends_for_the_same_hits(towns: Any) -> None:
    class Found:
        def __init__(self, row: Example) -> None:
            self.hits = [
                next(hit for hit in towns.search(name, k=12) if hit.chunk.source == name)
                for _, name in sorted(sources(row).items())
            ]

        def search(self, query: str, k: int = 6, where: Any = None) -> list[Any]:
            return self.hits

    class Writes:
        name, adapter, context_tokens, max_new_tokens = "writes", None, 600, 100

        def count_tokens(self, text: str) -> int:
            return len(text) // 4

        def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Iterator[str]:
            yield ""

    generator = Writes()
    room = Room(tokens=500, count=generator.count_tokens)
    for row in ground(town_questions(), towns, room=room).rows[:4]:
        assistant = Assistant(generator, Found(row), threshold=0.0)
        assert assistant.prompt(row.messages[-2]["content"].rpartition("Question: ")[2]) == list(
            row.messages[:-1]
        )


def test_no_document_of_a_held_out_row_is_seen_in_training(towns: Any) -> None:
    rows = ground(town_questions(), towns).rows
    held = {own(row) for row in rows if row.split == "test"}
    assert held and not held & {name for row in learned(rows) for name in sources(row).values()}
    shared = ground(town_questions(), towns, GroundConfig(shared_documents=True)).rows
    held = {own(row) for row in shared if row.split == "test"}
    assert held & {name for row in learned(shared) for name in sources(row).values()}


def test_rows_that_share_a_document_or_a_question_with_a_named_test_row_are_left_out(towns: Any) -> None:
    rows = [
        asked("Who is the mayor of Alder?", "The mayor of Alder is called Alderson.", 1, split="test"),
        asked("How many bridges has Alder?", "Alder has 11 bridges.", 2),
        asked("who is the mayor of ALDER", "Alderson", 3),
        asked("Who is the mayor of Elm?", "Elmson", 4),
    ]
    made = ground(rows, towns)
    assert [row.line for row in made.rows] == [1, 4] and made.report.leaking == 2
    assert "2 rows left out: their document or question is held out" in made.report.lines()


def test_long_questions_of_one_mould_can_be_held_out_and_a_question_asked_twice_stays_on_one_side() -> None:
    mould = "Please tell me in a few words who at present is the elected mayor of the town of {}?"
    questions = [mould.format(town) for town in TOWNS]
    asked_twice = [*questions, *(question.replace("Please tell", "Now tell") for question in questions)]
    answers, sources = [*TOWNS, *TOWNS], [f"{town}.txt" for town in (*TOWNS, *TOWNS)]
    for shared in (False, True):
        sides = part(
            asked_twice, answers, sources, ["train"] * 24, share=0.1, fewest=10, shared_documents=shared
        )
        assert sides.splits[:12] == sides.splits[12:] and 1 <= sides.splits[:12].count("test") <= 2


def test_held_out_rows_hold_what_a_search_finds_in_its_order(towns: Any) -> None:
    held = [row for row in ground(town_questions(), towns).rows if row.split == "test"]
    for row in held:
        question = row.messages[-2]["content"].rpartition("Question: ")[2]
        found = [hit.chunk.source for hit in towns.search(question, k=4)]
        assert [name for _, name in sorted(sources(row).items())] == found


def test_the_same_seed_makes_the_same_rows_and_another_one_others(towns: Any) -> None:
    first, again, other = (ground(town_questions(), towns, GroundConfig(seed=seed)) for seed in (1, 1, 2))
    assert first == again and first.rows != other.rows
    assert [row.split for row in first.rows] == [row.split for row in other.rows]


def test_the_named_document_is_gold_though_another_one_holds_the_words(towns: Any) -> None:
    vague = asked("Does it lie by a river?", "Yes", 1, sources=("fir",))
    made = ground([vague], towns, GroundConfig(gold_share=1))
    (number,) = re.findall(r"\[(\d+)\]", made.rows[0].messages[-1]["content"])
    assert sources(made.rows[0])[int(number)] == "towns/fir.txt"
    assert made.report.found_by == {"source": 1} and made.report.unknown_sources == 0


def test_an_answer_that_no_passage_holds_is_left_out_or_kept_closed_book(towns: Any) -> None:
    rows = [*town_questions()[:3], asked("Who wrote Emma?", "Jane Austen wrote it.", 9)]
    left = ground(rows, towns)
    assert [row.line for row in left.rows] == [1, 2, 3] and left.report.not_found == (9,)
    assert any("no passage holds their answer (lines 9)" in line for line in left.report.lines())
    kept = ground(rows, towns, GroundConfig(not_found="closed_book"))
    assert kept.rows[-1].messages[-1]["content"] == "Jane Austen wrote it."
    assert sources(kept.rows[-1]) == {} and kept.report.closed_book == 1


def test_a_row_that_refuses_gets_distractors_and_goes_on_refusing(towns: Any) -> None:
    made = ground([*town_questions()[:2], asked("Who wrote Emma?", refusal("Who?"), 3)], towns)
    assert made.rows[-1].messages[-1]["content"] == refusal("Who?") and len(sources(made.rows[-1])) == 4
    assert made.report.refusing == 1 and made.report.not_found == ()


def test_no_distractor_holds_the_answer(tmp_path: Path) -> None:
    texts = {
        "a.txt": "The fee is 40 dollars.",
        "b.txt": "Since May the fee is 40 dollars.",
        "c.txt": "A fee is due.",
    }
    made = ground(
        [asked("What is the fee?", "40 dollars")], opened(tmp_path, texts), GroundConfig(gold_share=1)
    )
    assert sorted(sources(made.rows[0]).values()) == ["a.txt", "c.txt"]
    assert made.report.few_distractors == 1


def test_chinese_rows_are_grounded_and_cited(tmp_path: Path) -> None:
    texts = {
        f"{name}.txt": f"{name}公司成立于{year}年。总部设在{name}城。"
        for name, year in zip("甲乙丙丁戊", range(1991, 1996), strict=True)
    }
    made = ground(
        [asked("丙公司成立于哪一年？", "1993年"), asked("丁公司的总部在哪里？", "总部设在丁城。", 2)],
        opened(tmp_path, texts),
        GroundConfig(gold_share=1),
    )
    for row, name in zip(made.rows, "丙丁", strict=True):
        (number,) = re.findall(r"\[(\d+)\]", row.messages[-1]["content"])
        assert sources(row)[int(number)] == f"{name}.txt"
    assert "文档中没有回答这个问题的内容" in made.rows[0].messages[0]["content"]


def test_a_single_document_gives_fewer_distractors_and_says_so(tmp_path: Path) -> None:
    made = ground(
        [asked("What is the fee?", "40 dollars")], opened(tmp_path, {"a.txt": "The fee is 40 dollars."})
    )
    assert any("fewer than 4 passages" in line for line in made.report.lines())
    rows = [asked(f"What is the fee {word}?", "40 dollars", at) for at, word in enumerate(TOWNS)]
    with pytest.raises(ValueError, match="hang together by their documents.*--shared-documents"):
        ground(rows, opened(tmp_path / "b", {"a.txt": "The fee is 40 dollars."}))


def test_distractors_give_way_where_the_gold_passage_would_not_fit(towns: Any) -> None:
    room = Room(tokens=280, count=lambda text: len(text) // 4)
    made = ground(town_questions(), towns, GroundConfig(gold_share=1), room)
    assert made.report.crowded == len(TOWNS) and made.report.citations_hold == 1
    none = Room(tokens=170, count=lambda text: len(text) // 4)
    with pytest.raises(ValueError, match="gold passages do not fit into a prompt"):
        ground(town_questions(), towns, GroundConfig(gold_share=1), none)


def test_earlier_turns_stay_before_the_question_and_help_to_find_the_passage(towns: Any) -> None:
    turns = (
        "Who is the mayor of Hazel?",
        "Hazelson [2]",
        "And how many bridges does it have?",
        "Hazel has 88 bridges.",
    )
    roles = ("user", "assistant", "user", "assistant")
    messages = tuple({"role": role, "content": text} for role, text in zip(roles, turns, strict=True))
    (row,) = ground([Example(messages=messages)], towns, GroundConfig(gold_share=1)).rows
    assert [turn["role"] for turn in row.messages] == ["system", *roles]
    (number,) = re.findall(r"\[(\d+)\]", row.messages[-1]["content"])
    assert sources(row)[int(number)] == "towns/hazel.txt"


def test_each_sentence_that_the_passage_supports_is_cited(towns: Any) -> None:
    answer = "The mayor of Elm is called Elmson. Elm has 55 bridges. I hope this helps."
    (row,) = ground([asked("Who leads Elm?", answer)], towns, GroundConfig(gold_share=1)).rows
    assert len(re.findall(r"\[\d\]", row.messages[-1]["content"])) == 2
    assert row.messages[-1]["content"].endswith("I hope this helps.")


def test_mistakes_are_told_in_one_line(towns: Any, tmp_path: Path) -> None:
    rows = town_questions()
    for config, said in (
        (GroundConfig(distractors=-1), "distractors is -1; choose 0 to 20"),
        (GroundConfig(gold_share=1.5), "gold_share is 1.5; choose a share above 0"),
        (GroundConfig(without_gold="guess"), "without_gold is 'guess'; choose one of"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            ground(rows, towns, config)
    with pytest.raises(ValueError, match="holds no passage to ground on; index documents first"):
        ground(rows, opened(tmp_path, {}))
    with pytest.raises(ValueError, match="line 7 is no question with an answer"):
        ground([Example(text="alone", line=7)], towns)
    with pytest.raises(ValueError, match="No row is left of 1 examples: no passage of the index holds"):
        ground([asked("Who wrote Emma?", "Jane Austen wrote it.")], towns)
