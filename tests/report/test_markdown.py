# SPDX-License-Identifier: Apache-2.0
"""The Markdown fits one message, and nothing from the service is markup in it."""

from __future__ import annotations

import re

import pytest

from airflow_provider_dbs.judgement.audit.findings import Severity
from airflow_provider_dbs.report import render_markdown
from airflow_provider_dbs.report.markdown import escape


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and "Plan | Why" not in line]


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_worst_plan_comes_first_with_measured_and_allowed(scribe):
    text = render_markdown(scribe.fleet())
    assert text.startswith("**DBS backup audit: 2 of 5 backup plans are in error**\n")
    assert "5 plans: 2 error, 1 unknown, 1 warning, 1 ok." in text
    assert "Since 2026-11-20 02:00 UTC: 1 new, 3 ongoing, 1 resolved, 1 not judged this time." in text
    first = cells_of(rows_of(text)[0])
    assert first[0].endswith("error")
    assert first[1] == "orders dbs1stopped (dbs1stopped)"
    assert first[2] == "full too old"
    assert re.fullmatch(r"5 d 6 h \(1 d 3 h\)", first[3])
    assert [cells_of(row)[0].split()[1] for row in rows_of(text)] == ["error", "error", "unknown", "warning", "ok"]
    assert "It does not prove that a restore works" in text


def test_a_link_is_given_only_with_a_url(scribe):
    audit = scribe.fleet()
    assert "[Full report](https://airflow.example/a%20b%29)" in render_markdown(audit, "https://airflow.example/a b)")
    assert "Full report" not in render_markdown(audit)


@pytest.mark.parametrize(("plans", "rows", "more"), [(20, 20, None), (21, 20, "+1 more"), (1000, 20, "+980 more")])
def test_at_most_twenty_rows(scribe, plans, rows, more):
    text = render_markdown(scribe.audit(*(scribe.unreadable(f"dbs{n:04d}") for n in range(plans))))
    assert len(rows_of(text)) == rows
    assert (more or "more") not in text if more is None else f"{more} (unknown or better)" in text


@pytest.mark.parametrize("texts", ["scribe", "hostile", "revealing"])
def test_fits_one_message_however_long_the_texts_are(texts, request):
    scribe = request.getfixturevalue(texts)
    plan = scribe.plan("dbs1", Severity.ERROR)
    audit = scribe.audit(*[plan] * 40, changes=True)
    text = render_markdown(audit, "https://airflow.example/" + "x" * 200)
    assert len(text) <= 4000
    assert rows_of(text), "the worst plan is always shown"
    assert f"+{40 - len(rows_of(text))} more" in text


def test_hostile_texts_stay_in_their_cell_as_text(hostile):
    text = render_markdown(hostile.fleet())
    rows = rows_of(text)
    assert len(rows) == 5
    assert all(len(cells_of(row)) == 6 for row in rows)
    for markup in ("<script", "<img", "{{", "{%", "{#", "](http", "@all", "://", "\u202e", "\x00", "\x07"):
        assert markup not in text, markup
    assert not re.search(r"(?<!\\)[`\[]", text), "code or a link was opened"
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\|b"),
        ("`rm`", r"\`rm\`"),
        ("[x](y)", r"\[x\](y)"),
        ("*b* _i_ ~s~", r"\*b\* \_i\_ \~s\~"),
        ("<b> & <!channel>", "&lt;b&gt; &amp; &lt;!channel&gt;"),
        ("back\\slash", r"back\\slash"),
        ("@all http://e www.e", "@\u200ball http://\u200be www\u200b.e"),
        ("{{ conn.x.password }} {% raw %}", "{\u200b{ conn.x.password }} {\u200b% raw %}"),
        ("orders-prod (v1.2)", "orders-prod (v1.2)"),
    ],
)
def test_nothing_in_a_cell_is_markup_a_link_a_mention_or_a_template(text, written):
    assert escape(text) == written


def test_users_endpoints_and_keys_are_left_out(revealing):
    text = render_markdown(revealing.fleet())
    for secret in ("root", "10.20.30.40", "aliyuncs", "admin_of_all", "LTAI5t"):
        assert secret not in text, secret


def test_no_plan_at_all_is_said(scribe):
    text = render_markdown(scribe.audit())
    assert text.startswith("**DBS backup audit: No backup plan was audited**")
    assert "|---" not in text


def test_all_well_is_one_sentence(scribe):
    assert "All 2 backup plans are ok" in render_markdown(scribe.audit(scribe.plan("a"), scribe.plan("b")))
    assert "The backup plan is ok" in render_markdown(scribe.audit(scribe.plan("a")))
