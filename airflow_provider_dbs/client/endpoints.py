# SPDX-License-Identifier: Apache-2.0
"""Which host answers for a region. The vendor's SDK has a table too, but it is stale and knows no VPC endpoints.

Source: the pages api-dbs-2019-03-06-endpoint (Feb 2025) and document_detail/437201.
"""

from __future__ import annotations

from airflow_provider_dbs.client.errors import DbsSettingsError
from airflow_provider_dbs.connection_fields import REGIONS

# Regions with a public endpoint of their own; the others share that of cn-hangzhou. Inside a VPC each has its own.
_OWN_ENDPOINT = {
    "cn-zhangjiakou",
    "cn-wulanchabu",
    "cn-huhehaote",
    "cn-chengdu",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-northeast-1",
    "eu-central-1",
    "eu-west-1",
}


def endpoint_for(region_id: str | None, network: str = "public") -> str:
    """The host for a region: ``dbs-api.…`` in public, ``dbs-api-vpc.…`` for ``network="vpc"``.

    Raises DbsSettingsError when the region is missing or unknown: a guess could ask another region, whose honest "no
    such backups" would be believed.
    """
    if region_id not in REGIONS:
        problem = f"region_id {region_id!r} is not a region of DBS" if region_id else "region_id is not set"
        raise DbsSettingsError(
            f"{problem}: set it in the connection's extra or on the task to one of {', '.join(REGIONS)}, "
            "or set the connection's host to the endpoint to use"
        )
    if network == "vpc":
        return f"dbs-api-vpc.{region_id}.aliyuncs.com"
    return f"dbs-api.{region_id if region_id in _OWN_ENDPOINT else 'cn-hangzhou'}.aliyuncs.com"
