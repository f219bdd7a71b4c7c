# SPDX-License-Identifier: Apache-2.0
"""The control endpoints and the credential source, called over HTTP as from another process."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_dbs20190306 import models
from alibabacloud_tea_openapi.exceptions import ClientException


def control(emulator, path, method="GET", data=None):
    body = None if data is None else json.dumps(data).encode()
    with urlopen(Request(f"{emulator.url}/_emulator/{path}", method=method, data=body)) as response:
        return json.loads(response.read())


def test_the_control_endpoints(dbs_emulator, call):
    plan = {"backup_plan_id": "dbs1", "full_backups": [{"backup_set_id": "a", "status": "running", "start": "-5m"}]}
    assert control(dbs_emulator, "scenario", "POST", {"plans": [plan]}) == {"plans": 1}
    assert control(dbs_emulator, "advance", "POST", {"backup_set_id": "a"}) == {"moved": 1}
    (state,) = control(dbs_emulator, "state")
    assert (state["BackupPlanId"], state["full_backups"][0]["BackupStatus"]) == ("dbs1", "finish")
    control(
        dbs_emulator, "status", "POST", {"backup_set_id": "a", "status": "stop", "end": "-1m", "err_message": "full"}
    )
    (row,) = call("DescribeFullBackupList", {"BackupPlanId": "dbs1"}).rows
    assert (row["BackupStatus"], row["ErrMessage"]) == ("stop", "full")
    control(dbs_emulator, "faults", "POST", {"kind": "throttle", "times": 2})
    assert call("DescribeRegions").status == 400
    assert [fault["remaining"] for fault in control(dbs_emulator, "faults")] == [1]
    assert control(dbs_emulator, "faults", "DELETE") == []
    received = control(dbs_emulator, "calls", "DELETE")
    assert [(item["operation"], item["status"]) for item in received] == [
        ("DescribeFullBackupList", 200),
        ("DescribeRegions", 400),
    ]
    assert received[1]["faults"] == ["throttle"]
    assert control(dbs_emulator, "calls") == []
    assert control(dbs_emulator, "reset", "POST") == {"plans": 0}
    assert "POST /_emulator/advance" in control(dbs_emulator, "")


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        ("advance", {"backup_set_id": "none"}, "there is no backup set 'none'"),
        ("status", {"backup_set_id": "none"}, "status"),
        ("faults", {"kind": "trottle"}, "fault kind 'trottle' is unknown"),
        ("scenario", {"plans": [{}]}, "plans[0]: 'backup_plan_id' is missing"),
        ("scenario", [], "must be a JSON object"),
    ],
)
def test_bad_input_to_a_control_endpoint_is_explained(dbs_emulator, path, data, message):
    with pytest.raises(HTTPError) as caught:
        control(dbs_emulator, path, "POST", data)
    assert caught.value.code == 400
    assert message in json.loads(caught.value.read())["error"]


def test_an_unknown_control_endpoint_is_not_taken_for_a_call(dbs_emulator):
    with pytest.raises(HTTPError) as caught:
        control(dbs_emulator, "advanse", "POST", {})
    assert caught.value.code == 404
    assert "POST /_emulator/advanse is unknown" in json.loads(caught.value.read())["error"]
    assert dbs_emulator.calls == []


def test_the_vendors_credential_provider_reads_the_source(dbs_emulator, sdk):
    credential = CredentialClient(
        CredentialConfig(type="credentials_uri", credentials_uri=f"{dbs_emulator.credentials_uri}?lifetime=2h")
    )
    client = sdk(credential=credential, access_key_id=None, access_key_secret=None)
    for _ in range(3):
        assert client.describe_regions(models.DescribeRegionsRequest()).body.success
    assert {call.access_key_id for call in dbs_emulator.calls} == {"STS.emulator000001"}
    assert dbs_emulator.credentials_issued == 1


def test_an_expired_key_of_the_source_is_refused(dbs_emulator, sdk):
    issued = control(dbs_emulator, "credentials?lifetime=0")
    again = control(dbs_emulator, "credentials")
    assert issued["SecurityToken"] != again["SecurityToken"]
    assert dbs_emulator.credentials_issued == 2

    def use(key):
        client = sdk(
            access_key_id=key["AccessKeyId"],
            access_key_secret=key["AccessKeySecret"],
            security_token=key["SecurityToken"],
        )
        return client.describe_regions(models.DescribeRegionsRequest()).body.success

    assert use(again)
    with pytest.raises(ClientException) as caught:
        use(issued)
    assert caught.value.code == "InvalidSecurityToken.Expired"


def test_the_source_can_fail_too(dbs_emulator):
    dbs_emulator.add_fault("server_error", operation="credentials")
    with pytest.raises(HTTPError) as caught:
        control(dbs_emulator, "credentials")
    assert caught.value.code == 503
    assert control(dbs_emulator, "credentials")["Code"] == "Success"
