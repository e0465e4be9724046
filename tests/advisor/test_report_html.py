"""The HTML report: one file, nothing loaded, nothing run, every text escaped, everything drawn that is known."""

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from example_report import BARE_REPORT, FULL_REPORT, cost

from advisor import render_html
from advisor.cost_over_volume import cost_over_volume
from advisor.picture_cost import _rings
from advisor.report_sources import address

VOID = {"meta", "br", "line", "circle", "polyline"}


class Page(HTMLParser):
    """Collects tags with their attributes, and fails on a tag that closes another one."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.said = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(params=["en", "zh"])
def page(request):
    return Page(render_html(FULL_REPORT, language=request.param))


def test_the_page_is_well_formed_and_says_its_language(page):
    assert page.named("html")[0]["lang"] in ("en", "zh-CN")
    assert page.named("meta")[0] == {"charset": "utf-8"}


def test_nothing_is_loaded_and_nothing_is_run(page):
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form")
        assert not any(name == "src" or name.startswith("on") for name in attributes)
        if "href" in attributes:
            assert tag == "a" and re.match(r"#source-\d+$|https://", attributes["href"])
    styles = " ".join(data for data in page.said if "{" in data)
    assert "url(" not in styles and "@import" not in styles
    assert "default-src 'none'" in page.named("meta")[1]["content"]


def test_a_name_that_holds_markup_stays_text():
    text = render_html(FULL_REPORT)
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;.pdf" in text
    assert "&lt;b&gt;tuned&lt;/b&gt;" in text
    odd = replace(
        FULL_REPORT, options=(replace(FULL_REPORT.best, model='x" onload="y<'),), commands=("a < b & c",)
    )
    odd_page = Page(render_html(odd))
    assert not any("onload" in attributes for _, attributes in odd_page.tags)
    assert "a < b & c" in odd_page.said


def test_every_picture_is_described_in_words(page):
    pictures = [attributes for attributes in page.named("svg") if "role" in attributes]
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert len(pictures) >= 4
    for attributes in pictures:
        named = attributes.get("aria-labelledby", "").split()
        assert attributes["role"] == "img" and (attributes.get("aria-label") or set(named) <= ids)


def test_each_footnote_leads_to_a_source(page):
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    notes = {attributes["href"][1:] for attributes in page.named("a") if attributes["href"].startswith("#")}
    assert notes and notes <= ids


def test_all_that_is_known_is_told():
    text = render_html(FULL_REPORT)
    for part in (
        "Nearly as good",
        "Measure a plain prompt",
        "Rejected",
        "What would change the answer",
        "Questions that would make it surer",
        "12 e-mail addresses",
        "scan.pdf",
        "near-duplicates",
        "advisor index docs",
        "Cost against questions a day",
        "arxiv.org/abs/2312.05934",
        "does not fit",
    ):
        assert part.casefold() in text.casefold(), part  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_bare_recommendation_is_a_page_without_holes(language):
    page = Page(render_html(BARE_REPORT, language=language))
    assert "None" not in "".join(page.said) and page.named("svg") == []


def test_without_prices_the_tokens_of_a_question_are_drawn():
    unpriced = [replace(cost(0.2, 1.0), build_usd=None, per_1000_queries_usd=None) for _ in range(2)]
    best, other = (replace(o, cost=c) for o, c in zip(FULL_REPORT.options[:2], unpriced, strict=True))
    text = render_html(replace(FULL_REPORT, options=(best, other)))
    assert "Tokens of one question" in text and "Cost against questions a day" not in text


def test_the_break_even_is_where_the_curves_cross():
    costs = cost_over_volume(FULL_REPORT)
    crossing = costs.crossings[0]
    here, there = costs.at(crossing.queries_per_day)[:2]
    assert here == pytest.approx(there, rel=1e-6) == pytest.approx(crossing.usd_a_month, rel=1e-6)
    assert crossing.below is costs.curves[0].option and crossing.above is costs.curves[1].option


def test_rings_of_crossings_that_lie_together_are_moved_apart():
    drawn = "".join(_rings([(50.0, 200.0), (51.0, 205.0), (50.5, 202.0), (90.0, 200.0)]))
    tops = [float(top) for top in re.findall(r'class="ring"[^>]* cy="([\d.]+)"', drawn)]
    assert tops[0] == tops[3] == 200.0
    assert min(abs(one - two) for one, two in itertools.combinations(tops[:3], 2)) >= 19
    assert drawn.count('class="axis"') == 2


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("Ovadia et al., arXiv 2312.05934, 2023-12", "https://arxiv.org/abs/2312.05934"),
        ("RAFT, arXiv:2403.10131", "https://arxiv.org/abs/2403.10131"),
        ("a page (https://example.org/a_b), 2024", "https://example.org/a_b"),
        ("count over published guides, 2026-11 (4 guides)", None),
    ],
)
def test_a_source_leads_to_its_paper_or_page(source, link):
    assert address(source) == link
