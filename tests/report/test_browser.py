# SPDX-License-Identifier: Apache-2.0
"""The report in headless Chromium: silent, self-contained, accessible, readable on a telephone and on paper.

Needs Debian's ``chromium`` (skipped without it) and ``npm install --prefix tests/report`` for axe-core.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_dbs.judgement.audit.findings import Severity
from airflow_provider_dbs.report import render_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install --no-install-recommends chromium fonts-dejavu-core")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=["scribe", "hostile"])
def html(request) -> str:
    return render_html(request.getfixturevalue(request.param).fleet())


class Visit:
    """A page opened from a file, with everything it said and asked for."""

    def __init__(self, browser: Browser, path: Path, scheme: str = "light", width: int = 1280) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def unfold(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[object]:
    visits: list[Visit] = []

    def open_page(html: str, **how: object) -> Visit:
        path = tmp_path / "audit.html"
        path.write_text(html, encoding="utf-8")
        visits.append(Visit(browser, path, **how))
        return visits[-1]

    yield open_page
    for each in visits:
        each.page.close()


def test_says_nothing_and_asks_for_nothing(visit, html):
    seen = visit(html)
    seen.unfold()
    seen.page.wait_for_timeout(300)
    assert seen.said == []
    assert [url for url in seen.asked if url != seen.page.url and not url.startswith("data:")] == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_no_violation(visit, html, scheme, width):
    if not AXE.exists():
        pytest.fail("axe-core is not installed: npm install --prefix tests/report --no-package-lock")
    seen = visit(html, scheme=scheme, width=width)
    seen.unfold()
    seen.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = seen.page.evaluate(
        "async () => (await axe.run()).violations.map(v => `${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`)"
    )
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_reader(visit, html, scheme):
    background = visit(html, scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_page_never_scrolls_sideways(visit, html, width):
    seen = visit(html, width=width)
    seen.unfold()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_verdict_and_the_worst_plans_stand_on_the_first_screen(visit, scribe):
    page = visit(render_html(scribe.fleet())).page
    assert page.locator("h1").inner_text() == "2 of 5 backup plans are in error"
    box = page.locator("tr", has_text="dbs1gap").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 600


def test_plan_in_the_table_leads_to_its_section_even_a_folded_one(visit, scribe):
    page = visit(render_html(scribe.fleet())).page
    healthy = page.locator("details.plan", has_text="dbs1ok")
    assert healthy.get_attribute("open") is None
    page.locator(".plans a", has_text="dbs1ok").click()
    assert healthy.get_attribute("open") is not None
    assert healthy.locator("svg.plot").is_visible()


def test_everything_can_be_reached_by_keyboard_from_top_to_bottom(visit, scribe):
    page = visit(render_html(scribe.fleet())).page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "[document.activeElement.tagName, document.activeElement.getBoundingClientRect().y + scrollY]"
        )
        if place[0] == "BODY":
            break
        reached.append(place)
    assert {tag for tag, _ in reached} >= {"A", "SUMMARY"}
    assert [y for _, y in reached] == sorted(y for _, y in reached)


def test_marks_stand_where_the_numbers_say(visit, scribe):
    page = visit(render_html(scribe.fleet())).page
    plot = page.locator("#plan-1 svg.plot")
    area = plot.bounding_box()
    line = plot.locator(".as-of").bounding_box()
    assert area is not None
    assert line is not None
    assert 0.95 < (line["x"] - area["x"]) / area["width"] < 0.99
    # The run of four missed ticks lies just left of it, where the plan has stopped.
    missed = [box for use in plot.locator('use[href="#tick-missed"]').all() if (box := use.bounding_box())]
    assert len(missed) == 4
    assert all(0.88 < (box["x"] - area["x"]) / area["width"] < 0.99 for box in missed)


def test_prints_on_few_pages(visit, scribe):
    page = visit(render_html(scribe.fleet()), scheme="dark").page
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type /Page\b", paper)) <= 10
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_thousand_plans_open_quickly(visit, scribe):
    plans = [scribe.plan(f"dbs{n:04d}", Severity.ERROR if n < 60 else Severity.OK) for n in range(200)]
    page = visit(render_html(scribe.audit(*plans * 5))).page
    assert page.locator("h1").inner_text() == "300 of 1,000 backup plans are in error"
    assert page.locator("svg.plot").count() == 50
