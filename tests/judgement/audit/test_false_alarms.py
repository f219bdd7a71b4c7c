# SPDX-License-Identifier: Apache-2.0

"""A thousand healthy plans over 60 days: an audit that cries wolf is not read."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

PLANS = 1000
DAILY = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"


def test_at_most_one_healthy_plan_in_a_hundred_is_warned_of(world, capsys):
    rng = random.Random(20261121)
    alarms: Counter[str] = Counter()
    alarmed = 0
    for seed in range(PLANS):
        period = rng.choice([DAILY, DAILY, DAILY, "Monday,Wednesday,Friday", "Sunday"])
        daily = period == DAILY
        log_span = rng.choice([timedelta(minutes=30) if daily else 2 * world.HOUR, 6 * world.HOUR, None])
        case = world.healthy(
            seed,
            as_of=world.AS_OF + timedelta(hours=rng.uniform(0, 24 * 7)),
            method=rng.choice(["physical", "logical"]) if log_span else "physical",
            log_span=log_span,
            log_days=3 if daily else 15,
            noise=rng.uniform(0.05, 0.4),
            keeps=timedelta(days=rng.choice([7, 14, 30, 60]) if daily else 60),
            period=period,
            hour=rng.randrange(24),
        )
        policy = {
            "rpo": "14h" if log_span else "2d" if daily else "10d",
            "recovery_window": "1d" if log_span and daily else None,
        }
        audit = case.audit(policy)
        open_checks = [finding.check_id for finding in audit.findings if finding.severity.is_open]
        alarmed += bool(open_checks)
        alarms.update(open_checks)

    with capsys.disabled():
        print(f"\nfalse alarms: {alarmed} of {PLANS} healthy plans ({100 * alarmed / PLANS:.1f} %): {dict(alarms)}")
    assert alarmed <= PLANS * 0.01
