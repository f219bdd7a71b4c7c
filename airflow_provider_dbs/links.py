# SPDX-License-Identifier: Apache-2.0
"""The buttons on a task's Details tab: to the console, and to the page of the API operation that the task calls.

Airflow builds links on the worker at the end of every run, also of one that defers or fails, so a link that cannot be
built as configured falls back to a page that exists and says so in the log; it never raises.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_dbs.hooks.connection import read_settings

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

CHINA_CONSOLE = "https://dms.aliyun.com"
INTERNATIONAL_CONSOLE = "https://dms.alibabacloud.com/new"
API_PAGE = "https://api.alibabacloud.com/api/Dbs/2019-03-06/{action}"

log = logging.getLogger(__name__)


class DbsConsoleLink(BaseOperatorLink):
    """Leads to the connection's ``console_url``, or to the home page of the DMS console.

    The vendor documents no address of a single plan. From the home page it is: Security and Specifications (DBS) >
    Disaster Recovery for Data (DBS) > Backup Plan, then the region. ``console_url`` may hold ``{region_id}`` and
    ``{backup_plan_id}``, each put in URL-encoded.
    """

    @property
    def name(self) -> str:
        return "DBS console"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        plan, region, template = _text(operator, "backup_plan_id"), _text(operator, "region_id"), None
        try:
            settings = read_settings(_text(operator, "dbs_conn_id") or "", region)
            region, template = settings.region_id, settings.console_url
        except Exception as error:  # the task itself fails with this; its link still leads somewhere
            log.debug("No connection to build the console link from: %s", type(error).__name__)
        page = None
        if template:
            try:
                page = console_page(template, region_id=region, backup_plan_id=plan)
            except ValueError as error:
                log.warning("The console link leads to the console's home page: %s", error)
        return page or console_home(region)


class DbsApiPageLink(BaseOperatorLink):
    """Leads to the vendor's page of ``action``, e.g. ``DescribeFullBackupList``, where the call can be tried."""

    def __init__(self, action: str) -> None:
        self.action = action

    @property
    def name(self) -> str:
        return "DBS API page"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        return API_PAGE.format(action=self.action)


class DbsAuditReportLink(BaseOperatorLink):
    """Opens the report that the task has just written, where a browser can: see ``report_url`` of the operator.

    Airflow shows no button for an empty link, which is better than one that leads nowhere.
    """

    @property
    def name(self) -> str:
        return "Audit report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        return _text(operator, "report_link") or ""


def _text(operator: BaseOperator, name: str) -> str | None:
    """A setting of the task; after a failed rendering it may still be something else."""
    value = getattr(operator, name, None)
    return value if isinstance(value, str) else None


def console_home(region_id: str | None) -> str:
    """The DMS console of the site where a region is mostly used: the Chinese one for mainland China.

    The site belongs to the account, which no call tells; ``console_url`` puts a wrong guess right.
    """
    is_mainland = region_id is not None and region_id.startswith("cn-") and region_id != "cn-hongkong"
    return CHINA_CONSOLE if is_mainland else INTERNATIONAL_CONSOLE


def console_page(template: str, **values: str | None) -> str | None:
    """The template with its placeholders filled; None when the task has no value for one of them.

    Raises ValueError for a template that is no http address, and for a placeholder that is none of ``values``.
    """
    if not re.match(r"https?://[^/{}]", template):
        raise ValueError(f"console_url is {template!r}, but must begin with https:// or http:// and a host")

    wanted = re.findall(r"\{([^{}]*)\}", template)
    for name in wanted:
        if name not in values:
            known = " and ".join(f"{{{known}}}" for known in values)
            raise ValueError(f"console_url has the unknown placeholder {{{name}}}: the known ones are {known}")
    if not all(values[name] for name in wanted):
        return None
    return re.sub(r"\{([^{}]*)\}", lambda placeholder: quote(str(values[placeholder[1]]), safe=""), template)
