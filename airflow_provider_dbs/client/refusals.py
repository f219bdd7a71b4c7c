# SPDX-License-Identifier: Apache-2.0
"""Which error a refusal of the service is. Sources: the seed pages' error tables and the gateway's known codes."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_dbs.client.errors import (
    DbsApiError,
    DbsAuthenticationError,
    DbsForbiddenError,
    DbsParameterError,
    DbsServerError,
    DbsSignatureError,
    DbsThrottledError,
)

_BY_CODE: tuple[tuple[type[DbsApiError], str], ...] = (
    (DbsThrottledError, r".*Throttling.*|TooManyRequests|FlowControl.*"),
    (DbsServerError, r"ServiceUnavailable.*|InternalError.*|undefined"),
    (
        DbsAuthenticationError,
        r"InvalidAccessKeyId.*|InvalidSecurityToken.*|MissingSecurityToken|SecurityToken.*|InvalidAccessKeySecret",
    ),
    (DbsSignatureError, r"Signature.*|IncompleteSignature|InvalidTimeStamp.*|InvalidSignature.*"),
    (DbsForbiddenError, r"Request\.Forbidden|Forbidden.*|NoPermission.*|Unauthorized.*"),
    (DbsParameterError, r"InvalidParameter.*|MissingParameter.*|Missing[A-Z].*|Param\..*|InvalidJobId.*|.*NotFound"),
)
_BY_STATUS: dict[int, type[DbsApiError]] = {
    401: DbsAuthenticationError,
    403: DbsForbiddenError,
    429: DbsThrottledError,
}
# A signature error may repeat all that was signed, header values and parameters included.
_ECHO = re.compile(r"(?is)[\s,;]*((server\s+)?(string\s*to\s*sign|canonical\s*request)|ACS3-HMAC-SHA256).*")
_MAX_MESSAGE = 400


def refusal(
    *, http_status: int, code: str | None, message: str, secrets: tuple[str | None, ...] = (), **facts: Any
) -> DbsApiError:
    """The error for a refusal. The code decides, then the HTTP status: throttling comes as HTTP 400, or as any other. A
    5xx is the service's own fault whatever else its code says. ``secrets`` are blotted out of the message, should the
    service repeat them.
    """
    kind = next((kind for kind, codes in _BY_CODE if code and re.fullmatch(codes, code)), None)
    if http_status >= 500 and kind is not DbsThrottledError:
        kind = DbsServerError
    elif kind is None:
        kind = _BY_STATUS.get(http_status, DbsApiError)
    message = _ECHO.sub("", message)
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    message = " ".join(message.split())[:_MAX_MESSAGE] or "the service refused the call and did not say why"
    return kind(message, code=code, http_status=http_status, **facts)
