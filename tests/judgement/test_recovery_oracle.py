# SPDX-License-Identifier: Apache-2.0
"""An oracle for coverage: what really happened, minute by minute, against what is worked out from the catalogue.

A random *world* is what truly happened: log files one after the other, with idle times, resets and failovers, some of
them lost, broken or expired. The *catalogue* is what DBS lists of it. The oracle replays the world's minutes one by one
and never looks at names, numbers or rows; the algorithm sees the rows only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_dbs.judgement.incremental_gate import IncrementalGoal, judge_incremental_backups
from airflow_provider_dbs.judgement.recovery import coverage
from airflow_provider_dbs.judgement.recovery_gate import RecoveryPointGoal, judge_recovery_point
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.window import Window
from airflow_provider_dbs.models import FullBackup, IncrementalBackup

pytestmark = pytest.mark.property

CATALOGUES = 2000
LAST_MINUTE = 200
ZERO = datetime(2026, 11, 20, tzinfo=timezone.utc)


def at(minute: float) -> datetime:
    return ZERO + timedelta(minutes=minute)


@dataclass(frozen=True)
class File:
    """A log file; ``end`` is that of its last transaction, and the next file may begin later."""

    start: int
    end: int
    state: str = "sealed"  # sealed, lost (not listed), broken, expired, filling
    copies: int = 0  # how many other jobs hold it too, sealed; with one, the state of the first does not matter

    @property
    def sound(self) -> bool:
        return self.copies > 0 or self.state == "sealed"


@dataclass(frozen=True)
class Epoch:
    """Files whose numbers follow each other, written by one endpoint."""

    endpoint: str
    first_number: int
    files: tuple[File, ...]


@dataclass(frozen=True)
class Full:
    start: int
    end: int
    state: str = "finish"  # finish, stop, empty, expired, running


@dataclass(frozen=True)
class World:
    numbered: bool
    logical: bool
    epochs: tuple[Epoch, ...]
    fulls: tuple[Full, ...]
    count_open_tail: bool = False

    @property
    def method(self) -> str:
        return "logical" if self.logical else "physical"


def random_world(rng: random.Random) -> World:
    numbered = rng.random() < 0.7
    minute = rng.randrange(0, 20)
    epochs: list[Epoch] = []
    numbers: dict[str, int] = {}
    endpoint = "a"
    for turn in range(rng.choice((1, 1, 2, 3))):
        if turn:
            change = rng.choice(("reset", "failover")) if numbered else "failover"
            minute += rng.choice((0, 0, 3))
            if change == "failover":
                endpoint = "b" if endpoint == "a" else "a"
            else:
                numbers[endpoint] = 1
        first_number = numbers.get(endpoint, rng.randrange(1, 5))
        files: list[File] = []
        for place in range(rng.randrange(2, 11)):
            length = rng.randrange(4, 12)
            idle = rng.choice((0, 0, 0, 2)) if numbered else 0
            # Without the first file of an epoch, names alone could not tell that a new one began.
            states = ["sealed"] * 36 + ["broken", "expired"] + (["lost"] if place else [])
            state = rng.choice(states)
            copies = rng.choice((0, 0, 0, 0, 1, 2)) if state != "lost" else 0
            files.append(File(minute, minute + length - idle, state, copies))
            minute += length
        epochs.append(Epoch(endpoint, first_number, tuple(files)))
        numbers[endpoint] = first_number + len(files)
    if rng.random() < 0.5:
        last = epochs[-1]
        tail = replace(last.files[-1], state="filling", copies=0)
        epochs[-1] = replace(last, files=(*last.files[:-1], tail))
    fulls = []
    for _ in range(rng.randrange(1, 6)):
        start = rng.randrange(0, 90)
        state = rng.choice(("finish",) * 6 + ("stop", "empty", "expired", "running"))
        fulls.append(Full(start, start + rng.randrange(0, 25), state))
    return World(numbered, rng.random() < 0.5, tuple(epochs), tuple(fulls), rng.random() < 0.3)


# --- the catalogue: rows as DBS would list them -----------------------------------------------------------------------

STATES = {"sealed": "COMPLETED", "broken": "UNCOMPLETED", "expired": "COMPLETED", "filling": "FILLING"}


@dataclass
class Catalogue:
    fulls: list[FullBackup]
    logs: list[IncrementalBackup]


Builder = Callable[..., object]


@pytest.fixture(scope="session")
def catalogue(full: Callable[..., FullBackup], log: Callable[..., IncrementalBackup]) -> Callable[..., Catalogue]:
    def build(world: World, now: float = LAST_MINUTE, shift: timedelta = timedelta(0)) -> Catalogue:
        moment = lambda minute: at(minute) + shift  # noqa: E731
        logs: list[IncrementalBackup] = []
        for epoch in world.epochs:
            for place, file in enumerate(epoch.files):
                name = epoch.first_number + place if world.numbered else f"{epoch.endpoint}-{file.start}"
                jobs = [STATES[file.state]] if file.state != "lost" else []
                for number, status in enumerate([*jobs, *["COMPLETED"] * file.copies]):
                    expires = moment(now - 1) if file.state == "expired" and number == 0 else None
                    logs.append(
                        log(
                            name,
                            moment(file.start),
                            moment(file.end),
                            status,
                            job=f"job-{number}",
                            endpoint=epoch.endpoint,
                            expires=expires,
                        )
                    )
        fulls = [
            full(
                f"full-{number}",
                moment(each.start),
                None if each.state == "running" else moment(each.end),
                {"stop": "stop", "running": "running"}.get(each.state, "finish"),
                backup_size=0 if each.state == "empty" else 1000,
                expires=moment(now - 1) if each.state == "expired" else None,
            )
            for number, each in enumerate(world.fulls)
        ]
        return Catalogue(fulls, logs)

    return build


# --- the oracle: the world's minutes, one by one ----------------------------------------------------------------------


def replayable_minutes(epoch: Epoch, count_open_tail: bool) -> tuple[set[int], set[int]]:
    """The minutes m of which everything up to m + 1 can be replayed, and the instants that are held at all."""
    minutes: set[int] = set()
    instants: set[int] = set()
    previous: File | None = None
    for file in epoch.files:
        held = file.sound or (count_open_tail and file.state == "filling")
        if held:
            minutes.update(range(file.start, file.end))
            instants.update(range(file.start, file.end + 1))
        if held and previous:
            minutes.update(range(previous.end, file.start))
            instants.update(range(previous.end, file.start + 1))
        previous = file if held else None
    return minutes, instants


def recoverable_minutes(world: World) -> set[int]:
    covered: set[int] = set()
    for each in world.fulls:
        if each.state != "finish":
            continue
        need = each.start if world.logical else each.end
        if not world.logical:
            covered.add(each.end)
        for epoch in world.epochs:
            minutes, instants = replayable_minutes(epoch, world.count_open_tail)
            minute = need
            if minute not in instants:
                continue
            while minute in minutes:
                minute += 1
            covered.update(range(each.end, minute + 1))
    return {minute for minute in covered if minute <= LAST_MINUTE}


def worlds(count: int = CATALOGUES) -> Iterator[tuple[int, World]]:
    for seed in range(count):
        yield seed, random_world(random.Random(seed))


def test_the_algorithm_agrees_with_the_oracle(catalogue: Callable[..., Catalogue]) -> None:
    minutes_seen = covered_seen = 0
    for seed, world in worlds():
        rows = catalogue(world)
        found = coverage(
            rows.fulls,
            rows.logs,
            method=world.method,
            at=at(LAST_MINUTE),
            as_of=at(LAST_MINUTE),
            count_open_tail=world.count_open_tail,
        )
        expected = recoverable_minutes(world)
        computed = {minute for minute in range(LAST_MINUTE + 1) if found.contains(at(minute))}
        assert computed == expected, f"seed {seed}: {world}"
        for minute in computed:
            best = found.best_full(at(minute))
            assert best
            assert best.start <= at(minute) <= best.end
        assert all((found.best_full(at(minute)) is None) == (minute not in expected) for minute in range(LAST_MINUTE))
        lengths = sum(1 for minute in range(LAST_MINUTE) if found.contains(at(minute + 0.5)))
        assert found.fraction(at(0), at(LAST_MINUTE)) == pytest.approx(lengths / LAST_MINUTE)
        minutes_seen += LAST_MINUTE
        covered_seen += len(computed)
    assert 0.05 < covered_seen / minutes_seen < 0.9, "the worlds say nothing"


def judge(world: World, rows: Catalogue, minute: float, now: float, shift: timedelta = timedelta(0)) -> Verdict:
    goal = RecoveryPointGoal(
        backup_plan_id="dbs1",
        recovery_time=at(minute) + shift,
        backup_method=world.method,
        authority="computed",
        count_open_tail=world.count_open_tail,
    )
    return judge_recovery_point(rows.fulls, rows.logs, goal, at(now) + shift)


def judge_logs(world: World, rows: Catalogue, minute: float, now: float, shift: timedelta = timedelta(0)) -> Verdict:
    window = Window(at(minute - 9) + shift, at(minute) + shift, "test")
    goal = IncrementalGoal(backup_plan_id="dbs1", window=window, count_open_tail=world.count_open_tail)
    return judge_incremental_backups(rows.logs, goal, at(now) + shift)


JUDGES = (judge, judge_logs)


def test_the_gates_pass_exactly_when_the_oracle_says_so(catalogue: Callable[..., Catalogue]) -> None:
    for seed, world in worlds():
        rng = random.Random(seed)
        minute = rng.randrange(LAST_MINUTE)
        rows = catalogue(world)
        verdict = judge(world, rows, minute, LAST_MINUTE)
        assert (verdict.outcome is Outcome.PASS) == (minute in recoverable_minutes(world)), f"seed {seed}: {world}"

        window = range(minute - 9, minute)
        held = any(set(window) <= replayable_minutes(epoch, world.count_open_tail)[0] for epoch in world.epochs)
        verdict = judge_logs(world, rows, minute, LAST_MINUTE)
        assert (verdict.outcome is Outcome.PASS) == held, f"seed {seed}: {world}"


def split(world: World, rng: random.Random) -> World:
    """The same history with one more rotation of the log; an open tail is left alone: half of it would be sealed."""
    number = rng.randrange(len(world.epochs))
    epoch = world.epochs[number]
    place = rng.randrange(len(epoch.files) - 1)
    file = epoch.files[place]
    middle = rng.randrange(file.start, file.end)
    parts = (replace(file, end=middle), replace(file, start=middle))
    epochs = list(world.epochs)
    epochs[number] = replace(epoch, files=(*epoch.files[:place], *parts, *epoch.files[place + 1 :]))
    for later in range(number + 1, len(epochs)):
        if epochs[later].endpoint == epoch.endpoint and epochs[later].first_number > 1:
            epochs[later] = replace(epochs[later], first_number=epochs[later].first_number + 1)
    return replace(world, epochs=tuple(epochs))


@pytest.mark.parametrize("judged_by", JUDGES)
def test_shuffling_duplicating_splitting_and_shifting_never_change_a_verdict(
    catalogue: Callable[..., Catalogue], judged_by: Callable[..., Verdict]
) -> None:
    for seed, world in worlds(CATALOGUES // 2):
        rng = random.Random(seed)
        minute, now = rng.randrange(9, LAST_MINUTE), LAST_MINUTE
        rows = catalogue(world)
        verdict = judged_by(world, rows, minute, now)

        mixed = Catalogue(rows.fulls * 2, rows.logs * 2)
        rng.shuffle(mixed.fulls)
        rng.shuffle(mixed.logs)
        assert judged_by(world, mixed, minute, now) == verdict, f"seed {seed}: {world}"

        shift = timedelta(days=rng.randrange(-900, 900), milliseconds=rng.randrange(86_400_000))
        shifted = judged_by(world, catalogue(world, now, shift), minute, now, shift)
        assert (shifted.outcome, shifted.reason) == (verdict.outcome, verdict.reason), f"seed {seed}: {world}"

        more = split(world, rng)
        verdict_on_split = judged_by(more, catalogue(more), minute, now)
        assert verdict_on_split.outcome is verdict.outcome, f"seed {seed}: {world} {more}"


def seen_at(world: World, now: int) -> World:
    """The world as DBS lists it at ``now``: files fill until they end, full backups run until they end."""
    epochs = []
    for epoch in world.epochs:
        files = [
            file if file.end < now or file.state == "lost" else replace(file, end=now, state="filling", copies=0)
            for file in epoch.files
            if file.start <= now
        ]
        if files:
            epochs.append(replace(epoch, files=tuple(files)))
    fulls = [each if each.end < now else replace(each, state="running") for each in world.fulls if each.start <= now]
    return replace(world, epochs=tuple(epochs), fulls=tuple(fulls))


def ageless(world: World) -> World:
    """Without expiry, which alone takes away what was there."""
    epochs = [
        replace(
            epoch,
            files=tuple(replace(f, state="sealed") if f.state in ("expired", "filling") else f for f in epoch.files),
        )
        for epoch in world.epochs
    ]
    fulls = [replace(each, state="finish") if each.state in ("expired", "running") else each for each in world.fulls]
    return replace(world, epochs=tuple(epochs), fulls=tuple(fulls))


@dataclass
class Tally:
    decided_late: int = 0
    outcomes: set[Outcome] = field(default_factory=set)


@pytest.mark.parametrize("judged_by", JUDGES)
def test_what_has_failed_never_passes_later_and_what_has_passed_stays(
    catalogue: Callable[..., Catalogue], judged_by: Callable[..., Verdict]
) -> None:
    tally = Tally()
    for seed, any_world in worlds(CATALOGUES // 5):
        world = ageless(any_world)
        minute = random.Random(seed).randrange(9, LAST_MINUTE - 20)
        decided: Verdict | None = None
        for now in range(max(0, minute - 9), LAST_MINUTE + 10, 7):
            seen = seen_at(world, now)
            verdict = judged_by(seen, catalogue(seen, now), minute, now)
            tally.outcomes.add(verdict.outcome)
            if decided and decided.outcome is Outcome.PASS and world.count_open_tail:
                break  # an open tail that counted may yet break: that is the risk of counting it
            if decided:
                assert verdict.outcome is decided.outcome, f"seed {seed} minute {minute} now {now}: {decided} {verdict}"
            elif verdict.outcome is not Outcome.WAIT:
                decided = verdict
                tally.decided_late += now > minute + 5
    assert tally.outcomes == set(Outcome)
    assert tally.decided_late > 20, "the worlds say nothing"
