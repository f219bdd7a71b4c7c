# SPDX-License-Identifier: Apache-2.0
"""Operators that audit backup plans and merge audits into one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_dbs.client.errors import DbsError
from airflow_provider_dbs.hooks.dbs import DbsHook
from airflow_provider_dbs.judgement.usable import CLOCK_SKEW
from airflow_provider_dbs.judgement.window import read_time
from airflow_provider_dbs.judgement.words import duration
from airflow_provider_dbs.models import iso
from airflow_provider_dbs.operators._audit import LATEST, DbsAuditTask
from airflow_provider_dbs.operators.plan_filters import PlanFilters
from airflow_provider_dbs.run_dates import run_dates

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_dbs.client.client import DbsClient
    from airflow_provider_dbs.judgement.audit import PlanAudit, Policy


class DbsBackupAuditOperator(DbsAuditTask):
    """Judges backup plans by a policy and leaves a report that an auditor can keep.

    .. code-block:: python

        DbsBackupAuditOperator(task_id="audit", policy={"rpo": "15m", "recovery_window": "7d"})

    Each plan's full backups and log segments are read, as far as the policy's checks need them, and judged at one
    instant. A list that cannot be read makes its plan UNKNOWN and costs no other plan its audit. The report is written
    before the task succeeds or fails.

    :param backup_plan_ids: only these plans: a list, or their ids in one string, separated by commas (templated, as
        are the next eight). None means all plans of the account in the region.
    :param region: only plans of this region; ``region_id`` is the region whose endpoint is asked.
    :param policy: what is expected of the plans: a dict, YAML or JSON text (``"{{ var.value.dbs_policy }}"``), or the
        path or URL of a .yaml, .yml or .json file; a relative path starts at the DAG file's folder. None: the defaults.
    :param as_of: the instant to judge at; now unless given. An earlier one is judged by what DBS still lists.
    :param output_path: where audits are kept: an absolute path or a URL that ObjectStoragePath knows, such as
        ``s3://connection@bucket/audits``; ``$AIRFLOW_HOME/dbs-audits`` unless given. Each audit gets a directory of its
        own, ``<dag_id>/<task_id>/<as_of>``, with audit.json, audit.md and audit.html. None is ever removed.
    :param previous: the audit that says what is new, ongoing and resolved: "latest" (this task's last one before this
        DAG run), the path of an ``audit.json``, or None. A mapped task has no latest one: its parts are compared when
        they are merged.
    :param report_url: the http(s) address under which a web server shows ``output_path``: the task's button "Audit
        report" opens it. Without it the log and XCom name the file's path: no browser opens another machine's files.
    :param dbs_conn_id: the Airflow connection.
    :param region_id: the region to ask when it is not the connection's.
    :param fail_on: "error" (default) fails the task when a plan is in error, and when one could not be judged: an audit
        that could not see is not green. "warn" fails on warnings too, "never" not at all.

    A failure over errors is not retried, since nothing changes by it; when plans were only unknown, ``retries`` apply.

    Returns, and leaves in XCom when it fails, a dict: ``as_of``, ``severity``, ``headline``, ``plans`` (how many),
    ``by_severity``, ``complete``, ``api_calls``, ``worst`` (up to 10 plans and why), ``changes`` (counts; None without
    an earlier audit), ``audit_json``, ``audit_markdown``, ``audit_html`` (paths), ``report_url``.
    """

    template_fields: Sequence[str] = (
        "backup_plan_ids",
        "region",
        "policy",
        "as_of",
        *DbsAuditTask.template_fields,
        "dbs_conn_id",
        "region_id",
    )
    template_fields_renderers = {"policy": "py"}  # noqa: RUF012 - as Airflow has it

    def __init__(
        self,
        *,
        backup_plan_ids: Collection[str] | str | None = None,
        region: str | None = None,
        policy: dict[str, Any] | str | None = None,
        as_of: str | datetime | None = None,
        output_path: str | None = None,
        previous: str | None = LATEST,
        report_url: str | None = None,
        dbs_conn_id: str = DbsHook.default_conn_name,
        region_id: str | None = None,
        fail_on: str = "error",
        **kwargs: Any,
    ) -> None:
        super().__init__(output_path=output_path, previous=previous, report_url=report_url, fail_on=fail_on, **kwargs)
        self.backup_plan_ids = backup_plan_ids
        self.region = region
        self.policy = policy
        self.as_of = as_of
        self.dbs_conn_id = dbs_conn_id
        self.region_id = region_id

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_dbs.judgement.audit import roll_up

        try:
            filters = PlanFilters.read(self.backup_plan_ids, None, self.region)
            if filters.backup_plan_ids == []:
                raise ValueError("backup_plan_ids is empty: give ids, or None for all plans of the region")
            policy = self._read_policy()
            as_of = self._read_as_of(context)
            files = self.files(context)
            previous = self.last_audit(context, files, as_of)
            plans, calls = DbsHook(self.dbs_conn_id, self.region_id).ask(
                lambda client: self._audit(client, filters, policy, as_of)
            )
        except DbsError as error:
            kind = AirflowException if error.retryable else AirflowFailException
            raise kind(f"DBS gave no list of backup plans, so nothing was audited: {error}") from error
        except ValueError as error:
            raise AirflowFailException(f"Bad argument: {error}") from None
        audit = roll_up(plans, as_of=as_of, policy=policy, api_calls=calls, versions=_versions(), previous=previous)
        return self.conclude(audit, files, context)

    async def _audit(
        self, client: DbsClient, filters: PlanFilters, policy: Policy, as_of: datetime
    ) -> tuple[list[PlanAudit], int]:
        """The plans' audits and the calls that they took. Raises DbsError when the plans cannot be listed."""
        from airflow_provider_dbs.audits import FleetAudit, plans_not_found
        from airflow_provider_dbs.operators.audit_words import ProgressLog

        listed = await client.list_backup_plans(backup_plan_ids=filters.backup_plan_ids, region=filters.region)
        plans = [plan for plan in listed if filters.keep(plan)]
        if filters.backup_plan_ids is None:
            for number, override in enumerate(policy.overrides):
                if not any(override.fits(p.backup_plan_id, p.backup_plan_name, p.database_type) for p in plans):
                    self.log.warning("policy.overrides[%d] fits none of the plans: is what it names right?", number)
        fleet = FleetAudit(client, policy, as_of, ProgressLog(self.log.info))
        work, limit, region_id = fleet.estimate(plans), client.settings.max_calls_per_second, client.settings.region_id
        self.log.info(
            "Auditing %d backup plans as of %s (connection %s, region %s): about %d calls in about %s%s",
            len(plans),
            iso(as_of),
            self.dbs_conn_id,
            region_id or "not set",
            work.calls,
            duration(work.time),
            f", at most {limit:g} a second" if limit else "",
        )
        unknown = plans_not_found(filters.missing_from(plans), region_id, as_of)
        return [*await fleet.judge(plans), *unknown], client.calls_made

    def _read_policy(self) -> Policy:
        from airflow_provider_dbs.judgement.audit import Policy
        from airflow_provider_dbs.operators.audit_files import read_text

        text = self.policy.strip() if isinstance(self.policy, str) else None
        if text is None:
            return Policy.from_mapping(self.policy)
        if "\n" in text or not text.endswith((".yaml", ".yml", ".json")):
            return Policy.from_text(text)
        path = text if "://" in text or text.startswith("/") else f"{self.dag.folder}/{text}"
        try:
            return Policy.from_text(read_text(path))
        except OSError as error:
            raise ValueError(f"policy={text!r} cannot be read from {path}: {error}") from None

    def _read_as_of(self, context: Context) -> datetime:
        now = datetime.now(timezone.utc)
        as_of = read_time("as_of", self.as_of, run_dates(context)["default_timezone"]) or now
        if as_of > now + CLOCK_SKEW:
            raise ValueError(f"as_of={iso(as_of)} lies in the future: what will be backed up then is not known")
        if as_of < now - timedelta(days=1):
            self.log.warning(
                "as_of=%s lies %s back: backups that have expired since are not listed any more, and the plans are "
                "taken to have been then what they are now",
                iso(as_of),
                duration(now - as_of),
            )
        return as_of


class DbsMergeAuditsOperator(DbsAuditTask):
    """Makes one audit and one report of several, such as the parts of a mapped audit.

    .. code-block:: python

        parts = DbsBackupAuditOperator.partial(task_id="parts", fail_on="never").expand(backup_plan_ids=plans.output)
        DbsMergeAuditsOperator(task_id="audit", inputs=parts.output, backup_plan_ids=plans.output)

    Of a plan that several inputs judge, the newest judgement counts. An input that cannot be read fails the task.

    :param inputs: what the audits returned, or paths of their ``audit.json`` (templated).
    :param backup_plan_ids: the plans that must be in it (templated); one that no input has judged becomes UNKNOWN.
        Without it a part that never ran is not missed when ``trigger_rule`` lets this task run all the same.
    :param output_path, previous, report_url, fail_on: as for DbsBackupAuditOperator; "latest" is this task's own.

    Returns the same dict as DbsBackupAuditOperator.
    """

    template_fields: Sequence[str] = ("inputs", "backup_plan_ids", *DbsAuditTask.template_fields)
    sends_gauges = False  # the parts have sent them

    def __init__(
        self, *, inputs: Iterable[Any] | str, backup_plan_ids: Collection[str] | str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.inputs = inputs
        self.backup_plan_ids = backup_plan_ids

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_dbs.judgement.audit import merge
        from airflow_provider_dbs.operators.audit_files import input_paths, not_judged, read_audit

        try:
            expected = PlanFilters.read(self.backup_plan_ids, None, None).backup_plan_ids or []
            parts = [read_audit(path) for path in input_paths(self.inputs)]
            as_of = min(part.as_of for part in parts)
            files = self.files(context)
            previous = self.last_audit(context, files, as_of)
            audit = merge([*parts, *not_judged(expected, parts)], previous=previous)
        except (OSError, ValueError) as error:
            raise AirflowFailException(f"Bad argument: {error}") from None
        self.log.info("Merged %d audits of %d plans as of %s", len(parts), len(audit.plans), iso(audit.as_of))
        return self.conclude(audit, files, context)


def _versions() -> dict[str, str]:
    from airflow import __version__ as airflow_version

    from airflow_provider_dbs import __version__

    return {"airflow-provider-dbs": __version__, "apache-airflow": airflow_version}
