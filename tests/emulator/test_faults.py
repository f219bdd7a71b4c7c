# SPDX-License-Identifier: Apache-2.0
"""Every kind of fault as a caller sees it on the wire, and how faults are aimed and counted."""

from __future__ import annotations

import re
import socket
import time
from datetime import datetime, timedelta, timezone
from http.client import IncompleteRead

import pytest

FULL = "DescribeFullBackupList"
FIRST = datetime(2026, 1, 1, 2, 0, tzinfo=timezone.utc)


@pytest.fixture
def asked(dbs_emulator, plan_id):
    """The parameters that ask for the page of 100 of a plan with 70 full backups and 70 logs."""
    dbs_emulator.configure(order="newest")
    for day in range(70):
        start = FIRST + timedelta(days=day)
        dbs_emulator.add_full_backup(plan_id, f"set{day:03d}", start=start, end=start + timedelta(minutes=20))
        dbs_emulator.add_incremental_backup(plan_id, f"mysql-bin.{day:06d}", start=start, end=start + timedelta(days=1))
    return {"BackupPlanId": plan_id, "PageSize": 100}


def ids(reply):
    return [row["BackupSetId"] for row in reply.rows]


# -- the answer itself


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("Throttling.User", 400),
        ("Throttling.Api", 400),
        ("Rejected.Throttling", 400),
        ("ServiceUnavailable", 503),
        ("InternalError", 500),
    ],
)
def test_throttle(dbs_emulator, call, code, status):
    dbs_emulator.add_fault("throttle", code=code, times=2)
    replies = [call("DescribeRegions") for _ in range(3)]
    assert [reply.status for reply in replies] == [status, status, 200]
    assert set(replies[0].json) == {"Code", "Message", "RequestId", "HostId", "Recommend"}
    assert replies[0].json["Code"] == code
    assert "x-acs-retry-after" not in replies[0].headers


def test_throttle_with_a_hint_when_to_come_back(dbs_emulator, call):
    dbs_emulator.add_fault("throttle", retry_after=3, http_status=429)
    reply = call("DescribeRegions")
    assert (reply.status, reply.headers["x-acs-retry-after"]) == (429, "3")


@pytest.mark.parametrize(
    ("kind", "options", "status", "starts_with"),
    [
        ("server_error", {"http_status": 500, "code": "InternalError"}, 500, b'{"Code":"InternalError"'),
        ("html_error", {}, 502, b"<html>"),
        ("html_error", {"http_status": 504}, 504, b"<html>"),
        ("empty_body", {}, 200, b""),
        ("empty_body", {"http_status": 500}, 500, b""),
        ("not_json", {}, 200, b"<html>"),
        ("not_json", {"body": "null", "http_status": 500}, 500, b"null"),
        ("success_false", {}, 200, b'{"HttpStatusCode":400'),
        ("forbidden", {}, 403, b'{"Code":"Request.Forbidden","Message":"Have no Permissions"'),
        ("forbidden", {"style": "service"}, 403, b'{"HttpStatusCode":403'),
        ("raw", {"body": [1, 2]}, 200, b"[1,2]"),
    ],
)
def test_ready_made_answers(dbs_emulator, call, kind, options, status, starts_with):
    dbs_emulator.add_fault(kind, **options)
    reply = call("DescribeRegions")
    assert (reply.status, reply.body.startswith(starts_with)) == (status, True)
    assert dbs_emulator.calls[-1].faults == (kind,)
    assert call("DescribeRegions").status == 200


def test_redirect_leads_to_a_place_where_a_follower_is_seen(dbs_emulator, call):
    dbs_emulator.add_fault("redirect")
    reply = call("DescribeRegions")
    assert (reply.status, reply.headers["location"]) == (302, f"{dbs_emulator.url}/redirected")
    dbs_emulator.add_fault("redirect", location="https://elsewhere.example/")
    assert call("DescribeRegions").headers["location"] == "https://elsewhere.example/"


# -- the delivery


def test_truncate_promises_more_than_it_sends(dbs_emulator, asked, call):
    dbs_emulator.add_fault("truncate", keep=0.25)
    with pytest.raises(IncompleteRead) as caught:
        call(FULL, asked)
    assert 0 < len(caught.value.partial) < caught.value.expected
    assert len(call(FULL, asked).rows) == 70


def test_reset(dbs_emulator, call):
    dbs_emulator.add_fault("reset")
    with pytest.raises(ConnectionResetError):
        call("DescribeRegions")
    assert dbs_emulator.calls[-1].status == 0


def test_stall_answers_late(dbs_emulator, call):
    dbs_emulator.add_fault("stall", seconds=0.3)
    before = time.monotonic()
    assert call("DescribeRegions").status == 200
    assert time.monotonic() - before >= 0.3


def test_drip_never_lets_a_single_read_time_out(dbs_emulator, signed):
    dbs_emulator.add_fault("drip", chunk=20, interval=0.02)
    request = signed()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((dbs_emulator.host, dbs_emulator.port), timeout=2) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{head}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        pieces = list(iter(lambda: connection.recv(4096), b""))
    assert len(pieces) > 5
    assert b'"Success":true' in b"".join(pieces)


def test_drip_to_a_caller_who_has_left_is_not_noised_about(dbs_emulator, signed, caplog):
    dbs_emulator.add_fault("drip", chunk=1, interval=0.01)
    request = signed()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((dbs_emulator.host, dbs_emulator.port), timeout=2) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{head}content-length: 0\r\n\r\n".encode())
        connection.recv(16)
    time.sleep(0.2)
    assert not caplog.records


# -- the way the list is read


def test_clamped_page_size(dbs_emulator, asked, call):
    dbs_emulator.add_fault("clamp_page_size", size=30, times=3)
    pages = [call(FULL, {**asked, "PageNum": number}) for number in range(3)]
    assert [len(page.rows) for page in pages] == [30, 30, 10]
    assert {(page.json["PageSize"], page.json["TotalPages"]) for page in pages} == {(30, 3)}
    assert len({set_id for page in pages for set_id in ids(page)}) == 70


def test_clamped_page_size_kept_secret(dbs_emulator, asked, call):
    dbs_emulator.add_fault("clamp_page_size", size=50, tells=False)
    page = call(FULL, asked)
    assert (len(page.rows), page.json["PageSize"]) == (50, 100)


def test_one_based_pages(dbs_emulator, asked, call):
    dbs_emulator.add_fault("one_based_pages", times=None)
    pages = [ids(call(FULL, {**asked, "PageSize": 30, "PageNum": number})) for number in range(5)]
    assert pages[0] == pages[1]
    assert [len(page) for page in pages] == [30, 30, 30, 10, 0]


def test_a_newer_backup_shifts_the_pages(dbs_emulator, asked, call):
    dbs_emulator.add_fault("shifting_pages", after_pages=1)
    first, second = (call(FULL, {**asked, "PageSize": 30, "PageNum": number}) for number in range(2))
    assert ids(first)[-1] == ids(second)[0]
    assert (first.json["TotalElements"], second.json["TotalElements"]) == (70, 71)
    again = call(FULL, {**asked, "PageSize": 30})
    assert ids(again)[1:] == ids(first)[:-1]
    assert again.json["TotalElements"] == 71


@pytest.mark.parametrize("operation", [FULL, "DescribeIncrementBackupList", "DescribeBackupPlanList"])
def test_a_list_that_never_holds_still(dbs_emulator, asked, call, operation):
    dbs_emulator.add_fault("shifting_pages", after_pages=2, times=None)
    everywhere = {"PageSize": 30, **({} if "Plan" in operation else {"BackupPlanId": asked["BackupPlanId"]})}
    totals = [call(operation, everywhere).json["TotalElements"] for _ in range(6)]
    start = totals[0]
    assert [total - start for total in totals] == [0, 0, 1, 1, 2, 2]


def test_a_refused_call_does_not_count_as_a_page(dbs_emulator, asked, call):
    dbs_emulator.add_fault("shifting_pages", after_pages=1)
    dbs_emulator.add_fault("throttle")
    assert call(FULL, asked).status == 400
    assert call(FULL, asked).json["TotalElements"] == 70
    assert call(FULL, asked).json["TotalElements"] == 71


def test_lost_rows_are_counted_but_stand_on_no_page(dbs_emulator, asked, call):
    dbs_emulator.add_fault("lost_rows", rows=15, times=None)
    pages = [call(FULL, {**asked, "PageSize": 30, "PageNum": number}) for number in range(3)]
    assert [len(page.rows) for page in pages] == [30, 25, 0]
    assert {page.json["TotalElements"] for page in pages} == {70}


# -- edits of the answer


@pytest.mark.parametrize("value", ["true", "false"])
def test_success_as_text(dbs_emulator, asked, call, value):
    dbs_emulator.add_fault("success_string", value=value)
    reply = call(FULL, asked)
    assert (reply.json["Success"], len(reply.rows)) == (value, 70)


def test_unknown_status(dbs_emulator, asked, call):
    dbs_emulator.add_fault("unknown_status", status="archiving", rows=2)
    assert [row["BackupStatus"] for row in call(FULL, asked).rows[:3]] == ["archiving", "archiving", "finish"]
    dbs_emulator.add_fault("unknown_status", operation="DescribeBackupPlanList", status="melting")
    assert call("DescribeBackupPlanList").rows[0]["BackupPlanStatus"] == "melting"
    assert {row["BackupStatus"] for row in call(FULL, asked).rows} == {"finish"}


def test_odd_cells(dbs_emulator, asked, call):
    dbs_emulator.add_fault("odd_cells", cells={"BackupSize": "-"}, omit=["EndTime"], backup_set_id="set007")
    rows = {row["BackupSetId"]: row for row in call(FULL, asked).rows}
    assert rows["set007"]["BackupSize"] == "-"
    assert "EndTime" not in rows["set007"]
    assert "EndTime" in rows["set008"]


def test_low_totals(dbs_emulator, asked, call):
    dbs_emulator.add_fault("low_totals", total_elements=3)
    reply = call(FULL, asked)
    assert (reply.json["TotalElements"], reply.json["TotalPages"], len(reply.rows)) == (3, 1, 70)


@pytest.mark.parametrize(
    ("shape", "check"),
    [
        ("list", lambda answer: len(answer["Items"]) == 70),
        ("single", lambda answer: answer["Items"]["FullBackupFile"]["BackupSetId"] == "set069"),
        ("missing", lambda answer: "Items" not in answer),
        ("null", lambda answer: answer["Items"] is None),
        ("empty_string", lambda answer: answer["Items"] == ""),
        ("inner_missing", lambda answer: answer["Items"] == {}),
        ("inner_null", lambda answer: answer["Items"] == {"FullBackupFile": None}),
        ("inner_empty_string", lambda answer: answer["Items"] == {"FullBackupFile": ""}),
    ],
)
def test_items_in_other_shapes(dbs_emulator, asked, call, shape, check):
    dbs_emulator.add_fault("items_shape", shape=shape)
    answer = call(FULL, asked).json
    assert check(answer)
    assert answer["TotalElements"] == 70


# -- aim and count


def test_a_fault_hits_only_its_plan_and_operation(dbs_emulator, asked, call):
    dbs_emulator.add_plan("dbsother")
    dbs_emulator.add_fault("throttle", operation=FULL, backup_plan_id="dbsother", times=None)
    assert call(FULL, asked).status == 200
    assert call("DescribeIncrementBackupList", {"BackupPlanId": "dbsother"}).status == 200
    assert [call(FULL, {"BackupPlanId": "dbsother"}).status for _ in range(3)] == [400, 400, 400]
    dbs_emulator.clear_faults()
    assert call(FULL, {"BackupPlanId": "dbsother"}).status == 200


def test_a_fault_can_let_the_first_calls_pass(dbs_emulator, call):
    dbs_emulator.add_fault("throttle", skip=2)
    assert [call("DescribeRegions").status for _ in range(4)] == [200, 200, 400, 200]


def test_faults_come_one_after_the_other(dbs_emulator, call):
    dbs_emulator.add_fault("throttle")
    dbs_emulator.add_fault("html_error")
    assert [call("DescribeRegions").status for _ in range(3)] == [400, 502, 200]


def test_faults_that_bend_a_list_add_up(dbs_emulator, asked, call):
    dbs_emulator.add_fault("clamp_page_size", size=30)
    dbs_emulator.add_fault("low_totals")
    dbs_emulator.add_fault("success_string")
    reply = call(FULL, asked)
    assert (len(reply.rows), reply.json["TotalElements"], reply.json["Success"]) == (30, 1, "true")
    assert dbs_emulator.calls[-1].faults == ("clamp_page_size", "low_totals", "success_string")


def test_a_wrong_signature_is_found_out_before_any_fault(dbs_emulator, call):
    dbs_emulator.add_fault("throttle")
    assert call("DescribeRegions", secret="wrong").json["Code"] == "SignatureDoesNotMatch"
    assert call("DescribeRegions").json["Code"] == "Throttling.User"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trottle", {}), "fault kind 'trottle' is unknown; there are"),
        (("throttle", {"cod": "x"}), "fault 'throttle' has no option 'cod'; its options: code, http_status"),
        (("items_shape", {}), "fault 'items_shape' needs the option 'shape'"),
        (("items_shape", {"shape": "round"}), "shape 'round' must be one of list, single"),
        (("throttle", {"operation": "DescribeFullBackups"}), "operation 'DescribeFullBackups' is unknown"),
    ],
)
def test_a_fault_that_cannot_work_is_refused_when_it_is_added(dbs_emulator, arguments, message):
    kind, options = arguments
    with pytest.raises(ValueError, match=re.escape(message)):
        dbs_emulator.add_fault(kind, **options)
