"""A judge ranks sampled answers: order cancels out, nonsense stops, and what was judged is never judged again."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from judging_fakes import PRINCIPLES, Asked, Writer, chat_server, judge_by, prefers_short

from apps.asked_questions import AskedQuestion, read_asked
from apps.assistant import Assistant
from apps.judge import JudgeReport, Limit, rank_answers, without_circles
from apps.judges import Judge, WritingJudge
from apps.kept_lines import kept_lines
from apps.openai_compatible import OpenAICompatible
from apps.patience import Patience
from apps.sampled_answers import Drawn, draw_answers
from finetune import load_examples
from finetune.sampling import Sampling

LIMIT = Limit(max_unread=0.3, fewest=4)
QUICK = Patience(tries=2, wait_s=0.01)


def quiet(stage: str, done: int, total: int, detail: str = "") -> None:
    pass


def drawn(questions: int = 3) -> list[Drawn]:
    answers = ("Nine.", "At nine.", "It opens at nine.")
    return [
        Drawn(question=f"When {n}?", prompt=({"role": "user", "content": f"When {n}?"},), answers=answers)
        for n in range(questions)
    ]


def rank(judge: Judge, folder: Path, rows: Sequence[Drawn] | None = None) -> JudgeReport:
    with kept_lines(folder / "kept") as kept, kept_lines(folder / "pairs.jsonl") as pairs:
        return rank_answers(rows or drawn(), judge, kept, pairs, LIMIT, quiet)


def test_a_sound_judge_makes_pairs_that_training_reads(tmp_path: Path) -> None:
    judge, generator = judge_by(prefers_short)
    report = rank(judge, tmp_path)
    assert (report.pairs, report.compared, report.order_biased, report.longer_chosen) == (9, 9, 0.0, 0.0)
    assert len(generator.asked) == 18 and report.first_place == 0.5
    examples = load_examples(tmp_path / "pairs.jsonl")
    assert [row.chosen[0]["content"] for row in examples[:3]] == ["Nine.", "Nine.", "At nine."]
    assert all(len(row.chosen[0]["content"]) < len(row.rejected[0]["content"]) for row in examples)
    assert examples[0].messages == ({"role": "user", "content": "When 0?"},)


def test_a_judge_that_always_takes_the_first_makes_no_pair(tmp_path: Path) -> None:
    report = rank(judge_by(lambda content: "Verdict: A")[0], tmp_path)
    assert (report.pairs, report.order_biased, report.first_place) == (0, 1.0, 1.0)


def test_ties_and_wavering_make_no_pair(tmp_path: Path) -> None:
    replies = iter(["tie", "tie", "A", "tie", "B", "A"])
    report = rank(judge_by(lambda content: f"Verdict: {next(replies)}")[0], tmp_path, drawn(1))
    assert report.outcomes == {"tie": 1, "wavering": 1, "second": 1} and report.order_biased == 0.0


def test_a_judge_that_answers_nonsense_is_reminded_once_and_then_stopped(tmp_path: Path) -> None:
    judge, generator = judge_by(lambda content: "I like bananas.")
    with pytest.raises(ValueError, match=r"no verdict in 4 of 4 .*'I like bananas\.'.*another --judge"):
        rank(judge, tmp_path)
    assert len(generator.asked) == 8  # each comparison ends with its first unread reply and one reminder
    assert sum("Reply with one line alone" in content for content in generator.asked) == 4


def test_nonsense_now_and_then_is_counted_and_passed_over(tmp_path: Path) -> None:
    judge, _ = judge_by(lambda content: "Hm." if "When 3?" in content and "It" in content else "Verdict: tie")
    report = rank(judge, tmp_path, drawn(4))
    assert report.outcomes == {"tie": 10, "unread": 2} and report.read == 10


def test_a_run_that_stopped_goes_on_and_ends_as_one_that_did_not(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    rank(judge_by(prefers_short)[0], tmp_path / "whole")
    left = [7]

    def dies(content: str) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise ConnectionError("the server is gone")
        return prefers_short(content)

    with pytest.raises(ConnectionError, match=r"the server is gone \(2 tries\)"):
        rank(judge_by(dies)[0], tmp_path)
    assert len(load_examples(tmp_path / "pairs.jsonl")) == 3  # of the question that was done
    judge, generator = judge_by(prefers_short)
    rank(judge, tmp_path)
    assert len(generator.asked) == 12  # 3 of 9 comparisons were kept, one was half-way
    assert (tmp_path / "pairs.jsonl").read_text() == (tmp_path / "whole" / "pairs.jsonl").read_text()
    again, generator = judge_by(prefers_short)
    assert rank(again, tmp_path).pairs == 9 and generator.asked == []


def test_other_principles_are_another_judgement(tmp_path: Path) -> None:
    rank(judge_by(prefers_short)[0], tmp_path)
    generator = Asked(prefers_short)
    other = type(PRINCIPLES)(name="other", sentences=("Long.",))
    rank(WritingJudge(generator, other, patience=QUICK, limit_s=5.0), tmp_path)
    assert len(generator.asked) == 18


def test_a_line_that_a_crash_cut_off_is_judged_again(tmp_path: Path) -> None:
    rank(judge_by(prefers_short)[0], tmp_path)
    whole = (tmp_path / "kept").read_bytes()
    (tmp_path / "kept").write_bytes(whole[:-20])
    judge, generator = judge_by(prefers_short)
    assert rank(judge, tmp_path).pairs == 9
    assert len(generator.asked) == 2 and (tmp_path / "kept").read_bytes() == whole


@pytest.mark.parametrize("content", ['{"question": "When?"}\n', "When?", '[\n{"key": "a"}\n]\n'])
def test_a_file_of_somebody_else_is_not_written_to(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match="was not written by 'advisor judge'"), kept_lines(path):
        pass
    assert path.read_text() == content


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    with kept_lines(tmp_path / "a"), pytest.raises(BlockingIOError, match="another process"):  # noqa: SIM117
        with kept_lines(tmp_path / "a"):
            pass


def test_verdicts_that_run_in_a_circle_are_left_out() -> None:
    assert without_circles([(0, 1), (1, 2), (2, 0), (2, 3)]) == [(2, 3)]
    assert without_circles([(0, 1), (1, 2), (0, 2)]) == [(0, 1), (1, 2), (0, 2)]


def test_a_server_that_hangs_is_one_line_after_its_tries() -> None:
    with chat_server(prefers_short, pause_s=1.0) as url:
        judge = WritingJudge(
            OpenAICompatible(url, "slow", timeout_s=0.1), PRINCIPLES, patience=QUICK, limit_s=0.1
        )
        with pytest.raises(ConnectionError, match=r"did not answer in time; is it overloaded\? \(2 tries\)"):
            judge.compare([{"role": "user", "content": "When?"}], "Nine.", "At nine.")


def test_several_comparisons_are_asked_at_once_with_the_same_outcome(tmp_path: Path) -> None:
    together = threading.Barrier(3, timeout=30)  # passed only by three that are asked at the same time

    def waits(content: str) -> str:
        together.wait()
        return prefers_short(content)

    judge, _ = judge_by(waits)
    with kept_lines(tmp_path / "kept") as kept, kept_lines(tmp_path / "pairs.jsonl") as pairs:
        report = rank_answers(drawn(), judge, kept, pairs, LIMIT, quiet, at_once=3)
    (tmp_path / "one").mkdir()
    assert report == rank(judge_by(prefers_short)[0], tmp_path / "one")
    assert (tmp_path / "pairs.jsonl").read_text() == (tmp_path / "one" / "pairs.jsonl").read_text()


def test_answers_are_drawn_once_without_repetitions_and_empty_ones(tmp_path: Path) -> None:
    writer = Writer({"When?": ["Nine.", " Nine. ", "", "At nine."], "Why?": ["So.", "So."]})
    questions = [AskedQuestion(text="When?"), AskedQuestion(text="Why?")]
    for _ in range(2):
        with kept_lines(tmp_path / "kept") as kept:
            found = draw_answers(
                questions,
                Assistant(writer),
                kept,
                count=4,
                sampling=Sampling(),
                patience=QUICK,
                progress=quiet,
            )
        assert [one.answers for one in found] == [("Nine.", "At nine."), ("So.",)]
    assert writer.drawn == 2
    report = rank(judge_by(prefers_short)[0], tmp_path / "judged", found)
    assert (report.questions, report.alike, report.pairs) == (2, 1, 1)


def test_a_server_that_gives_two_answers_at_a_time_is_asked_again() -> None:
    with chat_server(lambda content: "Nine.") as url:
        found = OpenAICompatible(url, "m").samples([{"role": "user", "content": "When?"}], 3, Sampling())
    assert found == ["Nine. 0", "Nine. 1", "Nine. 0"]


def test_a_generator_that_only_quotes_cannot_be_sampled() -> None:
    from apps.generators import make_generator

    asked: dict[str, Any] = {"count": 4, "sampling": Sampling(), "patience": QUICK, "progress": quiet}
    with kept_lines(None) as kept, pytest.raises(ValueError, match="writes no answers of its own"):
        draw_answers([], Assistant(make_generator()), kept, **asked)


def test_questions_come_from_any_rows_once_each(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "Is it open?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Until when?"},
        {"role": "assistant", "content": "Five."},
    ]
    rows = [{"question": "When?", "answer": "Nine."}, {"prompt": "When?"}, {"messages": turns}]
    path = tmp_path / "asked.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    first, second = read_asked(path)
    assert first.text == "When?" and second.text == "Until when?" and len(second.history) == 2
    path.write_text('{"question": "When?"}\n{"answer": "Nine."}\n')
    with pytest.raises(ValueError, match=r"asked\.jsonl:2: a row is"):
        read_asked(path)
    (tmp_path / "asked.txt").write_text("When?\n\nWhy?\n")
    assert [one.text for one in read_asked(tmp_path / "asked.txt")] == ["When?", "Why?"]
