"""The HTML report in a real browser: nothing sticks out, nothing overlaps, bars can be seen, in both languages."""

import shutil

import pytest
from example_report import BARE_REPORT, FULL_REPORT

from advisor import render_html

pytestmark = pytest.mark.browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SIZES = [(1280, 900), (700, 900), (400, 800), (320, 700)]
STICKING_OUT = """() => [...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.stacked thead'))  // on a phone it is there for screen readers only
  .filter(e => { const box = e.getBoundingClientRect();
                 return box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5) })
  .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
OVERLAPPING = """() => [...document.querySelectorAll('svg.picture')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('text')].filter(t => getComputedStyle(t).display !== 'none');
  const boxes = texts.map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width > 0);
  return boxes.flatMap(([said, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top + 3 < b.bottom && b.top + 3 < a.bottom)
    .map(([other]) => said + ' / ' + other)) })"""
BARS = """() => [...document.querySelectorAll('rect.piece, rect.bar')].map(e => e.getBoundingClientRect().width)"""


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium; never one that was downloaded."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_sticks_out_or_overlaps_and_bars_are_there(browser, tmp_path, language, scheme):
    file = tmp_path / "report.html"
    file.write_text(render_html(FULL_REPORT, language=language), "utf-8")
    asked = []
    for width, height in SIZES:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(STICKING_OUT) == [], width
        assert page.evaluate(OVERLAPPING) == [], width
        bars = page.evaluate(BARS)
        assert len(bars) > 15 and min(bars) > 0
        page.close()
    assert set(asked) == {file.as_uri()}


def test_a_bare_report_opens_too(browser, tmp_path):
    file = tmp_path / "bare.html"
    file.write_text(render_html(BARE_REPORT), "utf-8")
    page = browser.new_page(viewport={"width": 400, "height": 800})
    page.goto(file.as_uri())
    assert page.get_by_role("heading", name="Prompting alone").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
