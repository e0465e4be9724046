"""Dialogues: what is searched for a question that leans on the one before it, and which questions do not lean."""

from __future__ import annotations

import pytest

from rag.rewrite import MOST_CHARACTERS, rewrite_query


def dialogue(*questions: str) -> list[dict[str, str]]:
    """Earlier questions, each with an answer that must not be searched for."""
    return [
        turn
        for question in questions
        for turn in ({"role": "user", "content": question}, {"role": "assistant", "content": "Zanzibar."})
    ]


LEANING = [
    (["What was revenue in 2023?"], "And in 2024?", "revenue in 2024?"),
    (["What was the margin in the first quarter?"], "And the second quarter?", "margin the second quarter?"),
    (["What was revenue in 2023?", "And in 2024?"], "And profit?", "revenue 2024 profit?"),
    (["What is the travel allowance for employees?"], "And for contractors?", "travel allowance for contractors?"),
    (["When does the clinic open on Monday?"], "On Saturday?", "clinic open On Saturday?"),
    (["How long is the warranty on the small pump?"], "What about the large one?",
     "warranty small pump the large one?"),
    (["Which two plans are offered?"], "How about the other one?", "two plans offered the other one?"),
    (["Who chairs the audit committee?"], "When was she appointed?", "chairs audit committee When was she appointed?"),
    (["Which vaccines are given at birth?"], "How much do they cost?", "vaccines given birth How much do they cost?"),
    (["Does the policy cover lost luggage?"], "Does it cover stolen cameras?",
     "policy lost luggage Does it cover stolen cameras?"),
    (["What is the refund window?"], "Does that apply to software?", "refund window Does that apply to software?"),
    (["How do I claim travel expenses?"], "What is the deadline?", "claim travel expenses What is the deadline?"),
    (["What is the hotel limit in London?"], "Why?", "hotel limit London Why?"),
    (["Is parking free?"], "Anything else?", "parking free Anything else?"),
    (["2023年营业收入是多少？"], "那2024年呢？", "营业收入 2024年呢？"),
    (["2024年第一季度的净利润是多少？"], "那第二季度呢？", "2024 年 净利润 第二季度呢？"),
    (["儿童挂号要带什么证件？"], "成人呢？", "儿童挂号要带 证件 成人呢？"),
    (["谁负责采购审批？"], "他什么时候上任的？", "负责采购审批 他什么时候上任的？"),
    (["差旅住宿标准是多少？"], "怎么申请？", "差旅住宿标准 怎么申请？"),
    (["流感疫苗的价格是多少？"], "需要预约吗？", "流感疫苗的价格 需要预约吗？"),
    (["保修期是多久？"], "这个规定适用于配件吗？", "保修期是 这个规定适用于配件吗？"),
    (["北方仓库归谁管？"], "为什么？", "北方仓库归 管 为什么？"),
]  # fmt: skip

STANDING_ALONE = [
    "What is the travel allowance for contractors?",
    "Is it possible to cancel an appointment online?",
    "How long does it take to get a refund?",
    "What is the deposit and when is it returned?",
    "When a customer returns goods, who pays for them?",
    "How does the group treat its suppliers?",
    "I burnt my hand. How long should I hold it under water?",
    "Which report says that the plant was closed?",
    "What is a method that would lower the cost?",
    "Opening hours on Saturday",
    "What is MFA?",
    "Who is the chief executive?",
    "门诊周六几点开门？",
    "其他部门应该如何报销差旅费？",
    "如果员工丢失门禁卡，他应该联系谁？",
    "公司如何对待它的供应商？",
    "流感疫苗需要预约吗？",
    "公司的总部在哪里？",
    "因此产生的费用由谁承担？",
    "MFA是什么？",
]


@pytest.mark.parametrize(("earlier", "question", "searched"), LEANING)
def test_a_question_that_leans_is_searched_with_what_it_leans_on(
    earlier: list[str], question: str, searched: str
) -> None:
    found = rewrite_query(question, dialogue(*earlier))
    assert (found.asked, found.searched) == (question, searched)
    assert found.reason


@pytest.mark.parametrize("question", STANDING_ALONE)
@pytest.mark.parametrize("earlier", ["What was revenue in 2023?", "2023年营业收入是多少？"])
def test_a_question_that_stands_alone_is_searched_as_it_is(earlier: str, question: str) -> None:
    found = rewrite_query(question, dialogue(earlier))
    assert (found.searched, found.reason) == (question, "")


def test_without_earlier_questions_nothing_is_added() -> None:
    assert rewrite_query("And in 2024?", []).searched == "And in 2024?"
    assert rewrite_query("And in 2024?", [{"role": "assistant", "content": "Hello."}]).reason == ""


class Writer:
    def __init__(self, said: str) -> None:
        self.said = said
        self.prompts: list[list[dict[str, str]]] = []

    def __call__(self, messages: list[dict[str, str]]) -> str:
        self.prompts.append(messages)
        return self.said


def test_a_model_writes_the_question_where_one_leans() -> None:
    writer = Writer('"What was revenue in 2024?"\n')
    found = rewrite_query("And in 2024?", dialogue("What was revenue in 2023?"), writer)
    assert found.searched == "What was revenue in 2024?"
    assert "written by the model" in found.reason
    assert [message["role"] for message in writer.prompts[0]] == ["system", "user", "assistant", "user"]


def test_a_model_is_not_asked_about_a_question_that_stands_alone() -> None:
    writer = Writer("Something else")
    assert rewrite_query("Who is the chief executive?", dialogue("Hello there"), writer).reason == ""
    assert writer.prompts == []


@pytest.mark.parametrize(
    "said",
    ["", "  \n", "One line\nand another", "x" * (MOST_CHARACTERS + 1), "Which moons does Saturn have?"],
)
def test_a_models_answer_of_no_use_leaves_the_rule(said: str) -> None:
    found = rewrite_query("And in 2024?", dialogue("What was revenue in 2023?"), Writer(said))
    assert found.searched == "revenue in 2024?"
