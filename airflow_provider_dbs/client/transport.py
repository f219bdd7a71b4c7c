# SPDX-License-Identifier: Apache-2.0
"""Bytes out, bytes back: one pooled session per event loop, one SSL context per process and CA bundle.

Both are built off the loop, where they would stop it for up to half a second. The session is shared by all clients of
a loop, so that a thousand gates hold no more than ``_POOL`` connections to an endpoint.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from airflow_provider_dbs.client import vendor
from airflow_provider_dbs.client.errors import DbsConnectionError, DbsError, DbsSettingsError, DbsTimeoutError
from airflow_provider_dbs.client.settings import Settings
from airflow_provider_dbs.client.single_flight import SingleFlight

if TYPE_CHECKING:
    import aiohttp

_POOL = 16
# Longer than any sensible poll interval, so that a poll finds its connection still open.
_KEEPALIVE_SECONDS = 600.0

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()
_opening: SingleFlight[aiohttp.ClientSession] = SingleFlight()
_contexts: dict[str | None, ssl.SSLContext] = {}  # by ca_bundle; None: the system's CAs
_building: SingleFlight[ssl.SSLContext] = SingleFlight()


class Response(NamedTuple):
    """What came back: HTTP status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def post(settings: Settings, query: str, headers: Mapping[str, str], timeout: float) -> Response:
    """POST an encoded ``query`` without body to the endpoint, within ``timeout`` seconds; redirects are not followed.

    Raises DbsConnectionError or DbsTimeoutError; what the HTTP library said stays behind, for it holds the URL.
    """
    context = await _ssl_context(settings.ca_bundle) if settings.protocol == "https" else True
    session = await _session()
    import aiohttp
    import yarl

    limits = aiohttp.ClientTimeout(
        total=timeout, sock_connect=settings.connect_timeout, sock_read=settings.read_timeout
    )
    failure: DbsError
    try:
        async with session.post(
            yarl.URL(f"{settings.endpoint}/?{query}", encoded=True),
            headers=headers,
            timeout=limits,
            ssl=context,
            proxy=_proxy(settings.protocol, settings.host),
            allow_redirects=False,
        ) as response:
            return Response(response.status, response.headers, await response.read())
    except asyncio.TimeoutError as error:
        failure = DbsTimeoutError(_timeout_words(error, settings))
    except aiohttp.ClientConnectorCertificateError:
        failure = DbsConnectionError(
            f"the TLS certificate of {settings.host} is not trusted: set ca_bundle to the CA that issued it",
            retryable=False,
        )
    except aiohttp.ClientProxyConnectionError as error:
        failure = DbsConnectionError(
            f"the proxy that the environment names for {settings.endpoint} cannot be reached: {_network_words(error)}"
        )
    except aiohttp.ClientHttpProxyError as error:
        failure = DbsConnectionError(f"the proxy refused to connect to {settings.host} (HTTP {error.status})")
    except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError):
        failure = DbsConnectionError(f"{settings.endpoint} closed the connection before its answer was complete")
    except (aiohttp.ClientError, OSError) as error:
        failure = DbsConnectionError(f"{settings.endpoint} cannot be reached: {_network_words(error)}")
    raise failure


async def close() -> None:
    """Close the running loop's session. A later call opens a new one."""
    session = _sessions.pop(asyncio.get_running_loop(), None)
    if session is not None:
        await session.close()


async def _session() -> aiohttp.ClientSession:
    session = _sessions.get(asyncio.get_running_loop())
    return session if session is not None else await _opening.do("session", _open_session)


async def _open_session() -> aiohttp.ClientSession:
    await vendor.load("aiohttp")
    import aiohttp

    connector = aiohttp.TCPConnector(limit=_POOL, keepalive_timeout=_KEEPALIVE_SECONDS)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    _sessions[asyncio.get_running_loop()] = session
    return session


async def _ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    context = _contexts.get(ca_bundle)
    if context is None:
        context = await _building.do(ca_bundle, lambda: asyncio.to_thread(_build_ssl_context, ca_bundle))
    return context


def _build_ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    try:
        return _contexts.setdefault(ca_bundle, ssl.create_default_context(cafile=ca_bundle))
    except OSError as error:
        why = error.strerror or "it holds no certificate"
        raise DbsSettingsError(f"ca_bundle {ca_bundle!r} cannot be read: {why}") from None


@cache
def _proxy(protocol: str, host: str) -> str | None:
    """The proxy that the environment names for this endpoint, unless NO_PROXY takes the endpoint out."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(protocol) or proxies.get("all")
    if proxy is None or urllib.request.proxy_bypass(host):
        return None
    scheme, separator, _ = proxy.partition("://")
    if not separator:
        scheme, proxy = "http", f"http://{proxy}"
    if scheme not in ("http", "https"):
        raise DbsSettingsError(
            f"the environment names a {scheme} proxy for {host}, which is not supported: "
            "name an http proxy in HTTP_PROXY or HTTPS_PROXY, or put the host into NO_PROXY"
        )
    if not _is_address(proxy):  # and not repeated, for it may hold a password
        raise DbsSettingsError(
            f"the environment names a proxy for {host} that is no address: "
            "give one such as http://proxy:3128 in HTTP_PROXY or HTTPS_PROXY, or put the host into NO_PROXY"
        )
    return proxy


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _timeout_words(error: BaseException, settings: Settings) -> str:
    kind = type(error).__name__
    if kind == "ConnectionTimeoutError":
        return (
            f"{settings.endpoint} did not accept a connection within connect_timeout ({settings.connect_timeout:g} s)"
        )
    if kind == "SocketTimeoutError":
        return f"{settings.endpoint} sent nothing for read_timeout ({settings.read_timeout:g} s)"
    return f"{settings.endpoint} did not answer in full before total_timeout ({settings.total_timeout:g} s) was over"


def _network_words(error: BaseException) -> str:
    """Why, from the operating system where it said so; never the HTTP library's own text."""
    cause = getattr(error, "os_error", error)
    strerror = getattr(cause, "strerror", None)
    return strerror if isinstance(strerror, str) and strerror else type(error).__name__
