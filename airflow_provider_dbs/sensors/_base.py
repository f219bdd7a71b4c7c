# SPDX-License-Identifier: Apache-2.0
"""What every gate does as an Airflow task: find its goal, look, and conclude the same way in every mode."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_dbs.client.errors import DbsError
from airflow_provider_dbs.gates import ClientReader, Gate, utc_now
from airflow_provider_dbs.hooks.dbs import DbsHook
from airflow_provider_dbs.judgement.verdict import Outcome, Verdict
from airflow_provider_dbs.judgement.words import duration

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

TIMEOUT = timedelta(hours=12)

# Airflow checks its timeout right after each look, with a message that knows no reason; ours comes first.
_BEFORE_AIRFLOW = timedelta(seconds=0.5)

# The trigger ends its wait itself, with the reason; Airflow ends it this much later if the trigger cannot.
_BACKSTOP = timedelta(minutes=2)


class DbsGateSensor(BaseSensorOperator):
    """A sensor that passes, waits or gives up by a verdict (see judgement/verdict.py).

    It returns the verdict's XCom. A refusal raises AirflowFailException, since no retry can change it, and a timeout
    AirflowSensorTimeout with the last reason; with ``soft_fail`` or ``never_fail`` both skip the task instead.
    """

    template_fields: Sequence[str] = ("backup_plan_id", "dbs_conn_id", "region_id")

    def __init__(
        self,
        *,
        backup_plan_id: str,
        dbs_conn_id: str = DbsHook.default_conn_name,
        region_id: str | None = None,
        timeout: timedelta | float = TIMEOUT,
        poke_interval: timedelta | float = 60,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, poke_interval=poke_interval, **kwargs)
        self.backup_plan_id = backup_plan_id
        self.dbs_conn_id = dbs_conn_id
        self.region_id = region_id
        self.deferrable = deferrable
        self._gate: Gate[Any] | None = None
        self._deadline: datetime | None = None
        self._last_reason: str | None = None

    @abstractmethod
    def make_gate(self, context: Context, as_of: datetime) -> Gate[Any]:
        """The gate of this run, from the rendered settings and the run's dates; ValueError when they make no sense."""

    def execute(self, context: Context) -> Any:
        self._gate = self._last_reason = None
        first_look = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        self._deadline = (first_look or utc_now()) + timedelta(seconds=self.timeout) - _BEFORE_AIRFLOW
        return self._defer(context) if self.deferrable else super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any] | None:
        """What the trigger found, concluded as if it had been seen here."""
        if event["outcome"] == "crashed":
            kind = AirflowSkipException if self.never_fail else RuntimeError
            raise kind(f"The gate's trigger crashed: {event['error']}")
        verdict = Verdict.from_json(event["verdict"])
        if event["outcome"] == "timed_out":
            self.time_out(verdict)
        return self._hand_over(context, self.conclude(verdict))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """As Airflow does it, but a skip keeps the words that it has in the other modes."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            if isinstance(skip.__cause__, AirflowSkipException):
                raise skip.__cause__ from None
            raise

    def poke(self, context: Context) -> PokeReturnValue:
        verdict = self.look(context)
        xcom = self._hand_over(context, self.conclude(verdict))
        if xcom is None and self._deadline and utc_now() >= self._deadline:
            self.time_out(verdict)
        return PokeReturnValue(xcom is not None, xcom)

    def _defer(self, context: Context) -> Any:  # noqa: RET503 - defer() does not return
        """Look once, and wait in the triggerer if that did not decide it."""
        try:
            decided = self.poke(context)
        except AirflowException:
            raise
        except Exception as error:
            if self.never_fail:
                raise AirflowSkipException(f"The first look failed: {error}") from error
            raise
        if decided:
            return decided.xcom_value
        # Not at the top: DAG files that never defer need no triggers.
        from airflow_provider_dbs.triggers.dbs import DbsGateTrigger

        assert self._gate is not None
        assert self._deadline is not None
        trigger = DbsGateTrigger(
            gate=self._gate.kind,
            goal=self._gate.goal.to_json(),
            dbs_conn_id=self.dbs_conn_id,
            region_id=self.region_id,
            poke_interval=self.poke_interval,
            deadline=self._deadline.isoformat(),
            exponential_backoff=self.exponential_backoff,
            max_wait=self.max_wait.total_seconds() if self.max_wait else None,
            silent_fail=self.silent_fail,
        )
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            timeout=max(self._deadline - utc_now(), timedelta(0)) + _BACKSTOP,
        )

    def look(self, context: Context) -> Verdict:
        """One look at the service through the connection as it is now: keys rotate while a gate waits."""
        gate = self._gate = self._gate or self._open_gate(context, utc_now())
        try:
            return DbsHook(self.dbs_conn_id, self.region_id).ask(
                lambda client: gate.evaluate(ClientReader(client), self._deadline)
            )
        except DbsError as error:  # the connection itself
            return gate.verdict_on(error)
        except Exception as error:
            if not self.silent_fail:
                raise
            self.log.exception("The look failed, and silent_fail is set")
            return gate.verdict_on_crash(error)

    def conclude(self, verdict: Verdict) -> dict[str, Any] | None:
        """The XCom of a PASS, None for a WAIT; a FAIL raises."""
        if verdict.outcome is Outcome.FAIL:
            self._give_up(AirflowFailException, f"Refused ({verdict.reason}): {verdict.message}")
        if verdict.outcome is Outcome.PASS:
            self.log.info("Passed (%s): %s", verdict.reason, verdict.message)
            return verdict.xcom()
        if verdict.reason != self._last_reason:
            self.log.info("Waiting (%s): %s", verdict.reason, verdict.message)
            self._last_reason = verdict.reason
        return None

    def _hand_over(self, context: Context, xcom: dict[str, Any] | None) -> dict[str, Any] | None:
        """The events of the task's outlets carry the backup that the gate has found."""
        if xcom and self.outlets:
            from airflow_provider_dbs.assets import attach_to_outlets

            attach_to_outlets(xcom, self.outlets, context["outlet_events"])
        return xcom

    def time_out(self, verdict: Verdict) -> NoReturn:
        """End a wait that has lasted as long as it may, with what was last seen."""
        waited = duration(timedelta(seconds=self.timeout))
        self._give_up(AirflowSensorTimeout, f"Timed out after {waited} ({verdict.reason}): {verdict.message}")

    def _give_up(self, kind: type[Exception], message: str) -> NoReturn:
        self.log.error("%s", message)
        # Not left to Airflow's base class, which treats soft_fail and never_fail differently from path to path.
        if self.soft_fail or self.never_fail:
            raise AirflowSkipException(message)
        raise kind(message)

    def _open_gate(self, context: Context, as_of: datetime) -> Gate[Any]:
        try:
            if not self.backup_plan_id:
                raise ValueError("backup_plan_id is empty: give the id of a backup plan, such as dbsr179qz0001")
            gate = self.make_gate(context, as_of)
        except ValueError as error:
            self._give_up(AirflowFailException, f"Refused (bad_argument): {error}")
        wanted = ", ".join(f"{name}={value}" for name, value in gate.goal.subject().items())
        self.log.info("Asking DBS through connection %s: %s", self.dbs_conn_id, wanted)
        return gate
