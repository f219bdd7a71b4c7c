# SPDX-License-Identifier: Apache-2.0
"""What the gateway refuses, sent as raw HTTP. The signer is the vendor's."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest


def at(distance: timedelta) -> str:
    return (datetime.now(timezone.utc) + distance).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_replayed_request_is_refused(signed, deliver):
    request = signed()
    assert deliver(request).status == 200
    again = deliver(request)
    assert (again.status, again.json["Code"]) == (400, "SignatureNonceUsed")


def test_a_refused_request_does_not_use_up_its_nonce(dbs_emulator, call, deliver, signed):
    assert call("DescribeRegions", secret="wrong", x_acs_signature_nonce="n1").status == 400
    assert call("DescribeRegions", x_acs_signature_nonce="n1").status == 200


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_stale_date_is_refused(call, minutes):
    reply = call("DescribeRegions", x_acs_date=at(timedelta(minutes=minutes)))
    assert (reply.status, reply.json["Code"]) == (400, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_that_is_a_little_wrong_is_accepted(call, minutes):
    assert call("DescribeRegions", x_acs_date=at(timedelta(minutes=minutes))).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"x_acs_date": None}, 400, "MissingTimestamp"),
        ({"x_acs_date": "yesterday"}, 400, "InvalidTimeStamp.Format"),
        ({"x_acs_signature_nonce": None}, 400, "MissingSignatureNonce"),
        ({"x_acs_content_sha256": "0" * 64}, 400, "SignatureDoesNotMatch"),
        ({"x_acs_version": "2021-01-01"}, 400, "InvalidVersion"),
        ({"host": "elsewhere.example"}, 200, None),
        ({"key": "nobody"}, 404, "InvalidAccessKeyId.NotFound"),
    ],
)
def test_each_signed_part_is_checked(call, changes, status, code):
    reply = call("DescribeRegions", **changes)
    assert reply.status == status
    assert reply.json.get("Code") == code


def test_changes_after_signing_are_found_out(signed, deliver):
    for change in ({"query": {"PageNum": "1"}}, {"method": "GET"}):
        request = signed()
        for name, value in change.items():
            setattr(request, name, value)
        assert deliver(request).json["Code"] == "SignatureDoesNotMatch"
    request = signed()
    request.headers["x-acs-action"] = "DescribeFullBackupList"
    assert deliver(request).json["Code"] == "SignatureDoesNotMatch"


def test_every_acs_header_must_be_signed(signed, deliver):
    request = signed()
    request.headers["x-acs-security-token"] = "slipped in"
    assert deliver(request).json["Code"] == "InvalidSecurityToken.MismatchWithAccessKey"
    request = signed()
    request.headers["x-acs-extra"] = "slipped in"
    reply = deliver(request)
    assert reply.json["Code"] == "SignatureDoesNotMatch"
    assert "Unsigned headers: x-acs-extra" in reply.json["Message"]


def test_the_refusal_echoes_the_canonical_request_as_the_real_gateway_does(dbs_emulator, call):
    dbs_emulator.add_access_key("STS.one", "sts-secret", "token-one")
    reply = call("DescribeRegions", key="STS.one", secret="wrong", x_acs_security_token="token-one")
    assert "token-one" in reply.json["Message"]
    assert "wrong" not in reply.json["Message"]
    assert "sts-secret" not in reply.json["Message"]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "MissingAccessKeyId"),
        ("Basic abc", "IncompleteSignature"),
        ("ACS3-HMAC-SHA256 Credential=a", "IncompleteSignature"),
    ],
)
def test_an_unsigned_request_is_refused(signed, deliver, authorization, code):
    request = signed()
    del request.headers["Authorization"]
    if authorization:
        request.headers["Authorization"] = authorization
    assert deliver(request).json["Code"] == code


@pytest.mark.parametrize("value", ["", "a b", "a+b", "%2F/", "ü中", "~-_.*'()!", "a=b&c=d"])
def test_any_parameter_value_can_be_signed(dbs_emulator, call, value):
    assert call("DescribeRegions", {"ClientToken": value}).status == 200
    assert dbs_emulator.calls[-1].parameters["ClientToken"] == value


def test_get_and_form_bodies_are_accepted(dbs_emulator, plan_id, call):
    assert call("DescribeFullBackupList", {"BackupPlanId": plan_id}, method="GET").status == 200
    body = f"BackupPlanId={plan_id}&PageSize=50".encode()
    reply = call("DescribeFullBackupList", body=body, content_type="application/x-www-form-urlencoded")
    assert (reply.status, reply.json["PageSize"]) == (200, 50)


def test_an_unknown_operation_is_not_found(call):
    reply = call("DescribeNothing")
    assert (reply.status, reply.json["Code"]) == (404, "InvalidAction.NotFound")
    assert {"Code", "Message", "RequestId", "HostId", "Recommend"} == set(reply.json)


def test_a_removed_key_is_refused_at_once(dbs_emulator, call):
    dbs_emulator.add_access_key("second", "secret-two")
    assert call("DescribeRegions", key="second", secret="secret-two").status == 200
    dbs_emulator.remove_access_key("second")
    assert call("DescribeRegions", key="second", secret="secret-two").json["Code"] == "InvalidAccessKeyId.NotFound"
    assert [seen.access_key_id for seen in dbs_emulator.calls] == ["second", "second"]
