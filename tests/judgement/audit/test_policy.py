# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - tables read better unbroken
from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_provider_dbs.judgement.audit.policy import CHECK_IDS, Policy, PolicyError


def test_defaults_from_nothing():
    assert Policy.from_mapping(None) == Policy.from_mapping({}) == Policy.from_text("") == Policy()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (900, 900),
        ("900", 900),
        (1.5, 1.5),
        ("15m", 900),
        ("15min", 900),
        ("1d 12h", 129_600),
        ("2W", 1_209_600),
        ("PT26H", 93_600),
        ("p1dT1s", 86_401),
        (timedelta(hours=1), 3600),
        (None, None),
    ],
)
def test_durations(value, seconds):
    rpo = Policy.from_mapping({"rpo": value}).rpo

    assert (rpo and rpo.total_seconds()) == seconds


def test_rendered_templates_are_text():
    policy = Policy.from_mapping(
        {"min_redundancy": "3", "count_open_tail": "true", "checks": {"run_stuck": {"warn": "2"}}}
    )

    assert (policy.min_redundancy, policy.count_open_tail, policy.checks.run_stuck.warn) == (3, True, 2.0)


def test_yaml_and_json_say_the_same():
    mapping = {"rpo": "15m", "overrides": [{"database_type": "MySQL", "rpo": "5m"}], "leave_out": ["log.lag"]}

    assert Policy.from_text(json.dumps(mapping)) == Policy.from_mapping(mapping)
    yaml = "rpo: 15m\nleave_out: [log.lag]\noverrides:\n- {database_type: MySQL, rpo: 5m}\n"
    assert Policy.from_text(yaml) == Policy.from_mapping(mapping)


def test_digest_names_the_policy():
    assert Policy.from_mapping({"rpo": 900}).digest == Policy.from_text("rpo: 15m").digest != Policy().digest


OVERRIDES = Policy.from_mapping(
    {
        "rpo": "1h",
        "overrides": [
            {"database_type": " mysql ", "rpo": "30m", "checks": {"size_anomaly": {"warn": 0.9}}},
            {"backup_plan_name": "prod-*", "rpo": "15m", "checks": {"size_anomaly": {"error": 0.65}}},
            {"backup_plan_id": "dbs1", "rpo": None},
            {"backup_plan_id": ["dbs2", "dbs3"], "database_type": "Redis", "rpo": "1d"},
        ],
    }
)


@pytest.mark.parametrize(
    ("plan", "minutes"),
    [
        (("dbs9", None, None), 60),
        (("dbs9", "test", "MySQL"), 30),
        (("dbs9", "prod-1", "MySQL"), 15),
        (("dbs1", "prod-1", "MySQL"), None),
        (("dbs2", "Prod-1", "redis"), 1440),
        (("dbs2", "prod-1", "MySQL"), 15),
    ],
)
def test_overrides(plan, minutes):
    rpo = OVERRIDES.for_plan(*plan).rpo

    assert (rpo and rpo.total_seconds() / 60) == minutes


def test_a_later_override_keeps_what_it_does_not_set():
    limits = OVERRIDES.for_plan("dbs9", "prod-1", "MySQL").checks.size_anomaly

    assert (limits.warn, limits.error, limits.growth) == (0.9, 0.65, 2.0)


WRONG = [
    ({"rpoo": 1}, "policy: there is no setting 'rpoo'; did you mean 'rpo'?"),
    ({"zzz": 1}, "policy: there is no setting 'zzz'; there are history, rpo"),
    ([], "policy: [] is not a mapping"),
    ("hello", "policy: 'hello' is not a mapping"),
    ({"rpo": "soon"}, "policy.rpo: 'soon' is no duration such as '26h'"),
    ({"rpo": True}, "policy.rpo: True is no duration"),
    ({"rpo": ""}, "policy.rpo: '' is no duration"),
    ({"rpo": [1]}, "policy.rpo: [1] is no duration"),
    ({"rpo": "P9999999999999D"}, "policy.rpo: 'P9999999999999D' is no duration"),
    ({"rpo": 1e300}, "policy.rpo: 1e+300 is no duration"),
    ({"rpo": float("nan")}, "policy.rpo: nan is no duration"),
    ({"rpo": "40000d"}, "policy.rpo: '40000d' is longer than a hundred years"),
    ({"rpo": -1}, "policy.rpo: -1 is negative"),
    ({"rpo": "x" * 999}, "policy.rpo: 'xxxx"),
    ({"history": None}, "policy.history: None is no duration"),
    ({"min_retention": 35}, "min_retention (0:00:35) is less than a day: a bare number is seconds, write '35d'"),
    ({"min_redundancy": 0}, "policy.min_redundancy: Expected `int` >= 1, got 0"),
    ({"min_redundancy": 1.5}, "policy.min_redundancy: Expected `int`"),
    ({"min_redundancy": 2, "checks": {"redundancy": {"error": 3}}}, "min_redundancy (2) would never be reached"),
    ({"allowed_storage": "IA"}, "policy.allowed_storage: Expected `array | null`, got `str`, got 'IA'"),
    ({"allowed_storage": ["IA", 3]}, "policy.allowed_storage[1]: Expected `str`, got `int`"),
    ({"schedule_timezone": "Mars/Base"}, "schedule_timezone ('Mars/Base') is no IANA time zone"),
    ({"schedule_timezone": "../etc"}, "schedule_timezone ('../etc') is no IANA time zone"),
    ({"leave_out": ["full.aeg"]}, "leave_out[0]: there is no check 'full.aeg'; did you mean 'full.age'?"),
    ({"leave_out": ["evidence"]}, "'evidence' cannot be left out"),
    ({"checks": 3}, "policy.checks: 3 is not a mapping"),
    ({"checks": {"size": {}}}, "policy.checks: there is no setting 'size'"),
    ({"checks": {"size_anomaly": {"warn": "a"}}}, "policy.checks.size_anomaly.warn: Expected `float`, got `str`, got 'a'"),
    ({"checks": {"size_anomaly": {"growth": float("inf")}}}, "policy.checks.size_anomaly.growth: Expected `float` <= 1000.0"),
    ({"checks": {"size_anomaly": {"growth": float("nan")}}}, "policy.checks.size_anomaly.growth: "),
    ({"checks": {"size_anomaly": {"warn": 0.1}}}, "policy.checks.size_anomaly: warn (0.1) would never be reached"),
    ({"checks": {"size_anomaly": {"warn_z": 9}}}, "policy.checks.size_anomaly: warn_z (9.0) would never be reached"),
    ({"checks": {"success_ratio": {"warn": 0.1}}}, "policy.checks.success_ratio: warn (0.1) would never be reached"),
    ({"checks": {"coverage": {"warn": 0.1}}}, "policy.checks.coverage: warn (0.1) would never be reached"),
    ({"checks": {"full_age": {"warn": "2h", "error": "1h"}}}, "policy.checks.full_age: warn (2:00:00) would never"),
    ({"checks": {"log_lag": {"floor_warn": "9h"}}}, "policy.checks.log_lag: floor_warn (9:00:00) would never be reached"),
    ({"overrides": {}}, "policy.overrides: {} is not a list"),
    ({"overrides": [3]}, "policy.overrides[0]: 3 is not a mapping"),
    ({"overrides": [{"rpo": 1}]}, "policy.overrides[0]: which plans? Give one or more of backup_plan_id"),
    ({"overrides": [{"backup_plan_id": []}]}, "policy.overrides[0].backup_plan_id: [] would fit no plan"),
    ({"overrides": [{"backup_plan_id": [""]}]}, "policy.overrides[0].backup_plan_id: [''] would fit no plan"),
    ({"overrides": [{"backup_plan_name": ""}]}, "policy.overrides[0].backup_plan_name: '' would fit no plan"),
    ({"overrides": [{"database_type": 3}]}, "policy.overrides[0].database_type: Expected `str`, got `int`"),
    ({"overrides": [{"database_type": "a", "overrides": []}]}, "policy.overrides[0]: there is no setting 'overrides'"),
    (
        {"overrides": [{"database_type": "a"}, {"database_type": "b"}, {"database_type": "c", "checks": {"size_anomaly": {"warn": "x"}}}]},
        "policy.overrides[2].checks.size_anomaly.warn: ",
    ),
    (
        {"overrides": [{"database_type": "a", "checks": {"size_anomaly": {"warn": 0.2}}}]},
        "policy.overrides[0].checks.size_anomaly: warn (0.2) would never be reached",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("mapping", "message"), WRONG)
def test_a_wrong_policy_names_its_path(mapping, message):
    with pytest.raises(PolicyError) as error:
        Policy.from_mapping(mapping)

    assert message in str(error.value)
    assert str(error.value).startswith("policy")
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rpo: 1\nrpo: 2", "the key 'rpo' in line 2 is given twice"),
        ('{"checks": {"run_stuck": {"warn": 1, "warn": 2}}}', "the key 'warn' in line 1 is given twice"),
        ("1: 2", "the key 1 in line 1 is not a name"),
        ("[1", "neither YAML nor JSON"),
        ("- 1", "[1] is not a mapping"),
        ("!!python/object/apply:os.system [ls]", "neither YAML nor JSON"),
    ],
)
def test_a_wrong_text_says_where(text, message):
    with pytest.raises(PolicyError, match="policy: ") as error:
        Policy.from_text(text)

    assert message in str(error.value)


def test_overrides_that_contradict_each_other_are_named_with_the_plan():
    policy = Policy.from_mapping(
        {
            "overrides": [
                {"database_type": "MySQL", "checks": {"size_anomaly": {"error": 0.65}}},
                {"backup_plan_id": "dbs1", "checks": {"size_anomaly": {"warn": 0.6}}},
            ]
        }
    )

    with pytest.raises(PolicyError, match=r"policy.overrides\[1\] for plan dbs1.checks.size_anomaly: warn \(0.6\)"):
        policy.for_plan("dbs1", None, "MySQL")


def test_a_zone_in_an_override_is_checked_too():
    with pytest.raises(PolicyError, match=r"policy.overrides\[0\]: schedule_timezone \('Mars'\)"):
        Policy.from_mapping({"overrides": [{"database_type": "a", "schedule_timezone": "Mars"}]})


def test_every_limit_belongs_to_a_check():
    assert {name.replace("_", ".") for name in Policy().checks.__struct_fields__} <= {
        check.replace("_", ".") for check in CHECK_IDS
    }
