# SPDX-License-Identifier: Apache-2.0
"""The HTML says what the audit says, asks nothing of any network, and cannot be broken by what the service writes."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import msgspec
import pytest

from airflow_provider_dbs.judgement.audit.findings import FullMark, FullState, LogBand, LogGap, Severity
from airflow_provider_dbs.report import render_html, timeline

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page as its tags with their attributes, its visible text, and whether every tag was closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Its tags and the names of their attributes: what no text may change."""
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_is_well_formed_and_has_unique_ids(scribe):
    page = Page(render_html(scribe.fleet()))
    assert page.unbalanced == []
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert [name for name, uses in ids.items() if uses > 1] == []
    for _, attributes in page.tags:
        for reference in (attributes.get("aria-labelledby") or "").split():
            assert reference in ids
        target = attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids, f"nothing has the id {target}"


@pytest.mark.parametrize("texts", ["scribe", "hostile", "revealing"])
def test_asks_nothing_of_a_network_and_runs_nothing(texts, request):
    html = render_html(request.getfixturevalue(texts).fleet())
    page = Page(html)
    for tag, attributes in page.tags:
        assert tag not in {"script", "iframe", "object", "embed", "img", "base", "form", "foreignobject"}
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            if name in {"href", "src", "xlink:href", "action", "data", "srcset", "poster"}:
                assert value is not None
                assert value == "data:," or value.startswith("#"), value
            if value is not None and name in {"style", "fill", "stroke"}:
                assert "url(" not in value or value.startswith("url(#"), value
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "@import" not in style[1]
    assert set(re.findall(r"url\((.)", style[1])) == {"#"}
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_hostile_texts_change_no_tag(scribe, hostile):
    """The same audit with friendly and with hostile texts is the same page but for its words."""
    friendly, attacked = Page(render_html(scribe.fleet())), Page(render_html(hostile.fleet()))
    assert attacked.shape == friendly.shape
    assert attacked.unbalanced == []
    assert "<script>alert(1)</script>" in attacked.words, "the text is shown, as text"
    assert "{{ 7 * 7 }}" in attacked.words, "no template is run"
    assert "\u202e" not in attacked.words, "the text cannot turn what follows it"
    assert "\x00" not in "".join(attacked.text)


def test_users_endpoints_and_keys_are_left_out(revealing):
    html = render_html(revealing.fleet())
    for secret in ("root", "10.20.30.40", "aliyuncs", "admin_of_all", "LTAI5t"):
        assert secret not in html.replace(":root", ""), secret
    assert "[user]" in html
    assert "[endpoint]" in html


def test_very_long_names_are_cut(scribe):
    plan = msgspec.structs.replace(
        scribe.plan(severity=Severity.ERROR), name="x" * 100_000, backup_plan_id="y" * 10_000
    )
    html = render_html(scribe.audit(plan))
    assert "x" * 119 + "…" in html
    assert "x" * 121 not in html
    assert "y" * 121 not in html


def test_says_what_is_wrong_first(scribe):
    words = Page(render_html(scribe.fleet())).words
    assert "2 of 5 backup plans are in error" in words
    assert "Since 2026-11-20 02:00 UTC: 1 new, 3 ongoing, 1 resolved, 1 not judged this time." in words
    order = [
        words.index(f"orders {plan}", words.index("Status Plan Why")) for plan in ("dbs1stopped", "dbs1gap", "dbs1ok")
    ]
    assert order == sorted(order)


def test_a_finding_has_measured_allowed_evidence_and_what_is_new(scribe):
    words = Page(render_html(scribe.fleet())).words
    assert "full.age says: the disk of the source is full To do: Start a full backup by hand." in words
    assert "4 d 7 h" in words
    assert "warning 1 d 3 h error 2 d 2 h by plan" in words
    assert "full 1bg0007 2026-11-20 02:00 – 2026-11-20 03:00 , gap mysql-bin.000123" in words
    assert "error new full.age" in words


def test_every_picture_is_an_image_with_a_title_and_a_table_twin(scribe):
    html = render_html(scribe.fleet())
    page = Page(html)
    pictures = [a for tag, a in page.tags if tag == "svg" and a.get("role") == "img"]
    assert len(pictures) == 4 * 4  # timeline, calendar, size and duration of the four plans that can be drawn
    assert all(len((a["aria-labelledby"] or "").split()) == 2 for a in pictures)
    hidden = [a for tag, a in page.tags if tag == "svg" and "viewbox" not in a and a.get("role") != "img"]
    assert all(a.get("aria-hidden") == "true" for a in hidden)
    for table in (
        "Recoverable stretches, gaps and logs",
        "Full backups, newest first",
        "Expected backups, newest first",
    ):
        assert page.words.count(table) == 4
    stopped = html[html.index('id="plan-1"') : html.index('id="plan-2"')]
    assert stopped.count("<td>missed</td>") == 4
    assert stopped.count("<td>failed</td>") == 4  # two backups, and their two ticks


def test_status_is_said_in_words_beside_its_icon(scribe):
    page = Page(render_html(scribe.fleet()))
    for word in ("error", "unknown", "warning", "ok"):
        assert re.search(rf"\b{word}\b", page.words)


def test_not_evaluated_is_listed_with_its_reason(scribe):
    words = Page(render_html(scribe.fleet())).words
    assert words.count("size.anomaly 6 successful fulls; 14 are needed") == 4
    assert "size.anomaly 4 6 successful fulls; 14 are needed" in words, "and once over all plans"


def test_footer_says_what_the_audit_rests_on(scribe):
    words = Page(render_html(scribe.fleet())).words
    for fact in ("It does not prove that a restore works", "API calls 61", "Evidence complete", "9f2c5a7710be42d1"):
        assert fact in words
    assert "2026-09-22 02:00 to 2026-11-21 02:00 UTC, 60 d" in words
    assert "airflow-provider-dbs 0.1.0 , apache-airflow 3.3.2" in words.replace("0.1.0,", "0.1.0 ,")


def test_incomplete_evidence_is_said_at_the_top(scribe):
    audit = msgspec.structs.replace(scribe.fleet(), complete=False)
    words = Page(render_html(audit)).words
    assert words.index("The evidence is incomplete") < words.index("Status Plan Why")


def test_time_zone_of_the_plan_is_in_the_tooltip(scribe):
    html = render_html(scribe.fleet())
    assert 'title="2026-11-21 09:48 Asia/Shanghai">2026-11-21 01:48</time>' in html


def test_unknown_time_zone_is_no_error(scribe):
    plan = scribe.plan()
    plan = msgspec.structs.replace(plan, facts=msgspec.structs.replace(plan.facts, schedule_timezone="Mars/../Olympus"))
    assert "Mars" in render_html(scribe.audit(plan))


def test_ninety_days_are_about_ten_kilobytes_of_svg(scribe):
    long = type(scribe)(days=90)
    html = render_html(long.audit(long.plan("a", Severity.WARN, failed=(20, 40), missed=(33,), broken_days_ago=9)))
    drawings = re.findall(r'<svg class="(?:plot|calendar|spark)".*?</svg>', html, re.DOTALL)
    assert len(drawings) == 4
    assert sum(map(len, drawings)) < 24_000
    assert len(drawings[0]) < 14_000


def test_ten_thousand_backups_stay_readable(scribe):
    start = scribe.as_of - 60 * (scribe.as_of - scribe.as_of.replace(hour=1)) * 24
    step = (scribe.as_of - start) / 10_000
    fulls = tuple(
        FullMark(
            backup_set_id=f"1bg{n:05d}",
            state=list(FullState)[n % 6],
            usable=n % 12 == 2,
            start=start + step * n,
            end=start + step * (n + 1),
            err_message="no space left",
        )
        for n in range(10_000)
    )
    bands = tuple(
        LogBand(start=f.start, end=f.start + step / 2, segments=1, first_id="a", last_id="b") for f in fulls if f.start
    )
    gaps = tuple(LogGap(start=b.end, end=b.end + step / 2, cause="sequence_gap") for b in bands)
    plan = msgspec.structs.replace(scribe.plan(severity=Severity.ERROR), fulls=fulls, logs=bands, log_gaps=gaps)
    audit = scribe.audit(plan)
    drawn = timeline.draw(plan, audit.window.start, audit.as_of)
    assert drawn.marks <= timeline.MOST_MARKS
    html = render_html(audit)
    assert len(html) < 600_000
    assert "and 9,900 backups more, in audit.json" in Page(html).words


def test_a_thousand_plans_stay_usable(scribe):
    broken = [scribe.plan(f"dbs{n:04d}", Severity.ERROR) for n in range(60)]
    healthy = [msgspec.structs.replace(broken[0], backup_plan_id=f"ok{n}", severity=Severity.OK) for n in range(940)]
    html = render_html(scribe.audit(*broken, *healthy))
    page = Page(html)
    assert len(html) < 8_000_000
    assert sum(a.get("class") == "plot" for _, a in page.tags) == 50
    assert sum(tag == "details" and a.get("class") == "plan" for tag, a in page.tags) == 60
    assert "Of 1,000 plans the worst 50 are drawn." in page.words
    assert "940 plans without objection" in page.words
    assert html.split("</table>")[0].count('<tr role="row" class="row-') == 60, "the healthy ones are folded away"
    assert page.words.count("4 d 7 h") >= 60, "a plan that is not drawn keeps its findings"


def test_how_many_plans_are_drawn_can_be_chosen(scribe):
    audit = scribe.audit(scribe.plan("a", Severity.ERROR), scribe.plan("b", Severity.ERROR))
    one, none = Page(render_html(audit, pictures=1)), Page(render_html(audit, pictures=0))
    assert sum(a.get("class") == "plot" for _, a in one.tags) == 1
    assert "Of 2 plans the worst 1 is drawn." in one.words
    assert sum(a.get("class") == "plot" for _, a in none.tags) == 0
    assert "Of 2 plans none are drawn." in none.words


def test_no_plan_and_empty_plans(scribe):
    assert "No backup plan was audited" in Page(render_html(scribe.audit())).words
    page = Page(render_html(scribe.audit(scribe.unreadable())))
    assert "The backup plan could not be judged" in page.words
    assert "Nothing was read that could be drawn." in page.words
    assert page.unbalanced == []
