# SPDX-License-Identifier: Apache-2.0
"""Connections: pooled per loop, through proxies, over TLS, and what is said when there is none."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import shutil
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from airflow_provider_dbs.client import errors, transport
from airflow_provider_dbs.client.client import DbsClient
from airflow_provider_dbs.client.settings import Settings
from airflow_provider_dbs.emulator import Emulator

Clients = Callable[..., DbsClient]


# -- the pool ------------


async def test_calls_in_a_row_open_one_connection(dbs_emulator: Emulator, client: Clients) -> None:
    for _ in range(10):
        assert await client().list_regions()
    assert dbs_emulator.connections_opened == 1


async def test_calls_at_once_open_no_more_than_the_pool(dbs_emulator: Emulator, client: Clients) -> None:
    dbs_emulator.configure(latency="5ms")
    dbs = client()
    await asyncio.gather(*(dbs.list_regions() for _ in range(100)))
    assert 2 <= dbs_emulator.connections_opened <= transport._POOL
    opened = dbs_emulator.connections_opened
    await asyncio.gather(*(dbs.list_regions() for _ in range(100)))
    assert dbs_emulator.connections_opened == opened


def test_each_loop_has_a_session_of_its_own(dbs_emulator: Emulator, settings: Callable[..., Settings]) -> None:
    dbs = DbsClient(settings())

    async def call() -> None:
        assert await dbs.list_regions()
        assert asyncio.get_running_loop() in transport._sessions
        await dbs.aclose()
        assert asyncio.get_running_loop() not in transport._sessions

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            asyncio.run(call())
        gc.collect()
    assert dbs_emulator.connections_opened == 2


async def test_closing_closes_and_a_later_call_opens_anew(dbs_emulator: Emulator, client: Clients) -> None:
    dbs = client()
    await dbs.aclose()  # nothing is open yet
    await dbs.list_regions()
    session = transport._sessions[asyncio.get_running_loop()]
    await dbs.aclose()
    assert session.closed
    await dbs.list_regions()
    assert dbs_emulator.connections_opened == 2


async def test_constructor_does_nothing(dbs_emulator: Emulator, settings: Callable[..., Settings]) -> None:
    DbsClient(settings())
    assert dbs_emulator.connections_opened == 0
    assert asyncio.get_running_loop() not in transport._sessions


async def test_connection_that_the_server_closed_while_idle_is_replaced(
    dbs_emulator: Emulator, client: Clients
) -> None:
    dbs = client()
    for _ in range(2):
        with Emulator() as other:
            assert await client(other).list_regions()
        assert await dbs.list_regions()


# -- no connection ------------


async def test_endpoint_that_accepts_nobody_is_a_connect_timeout(client: Clients) -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # a queue that is full: whoever comes now is not answered
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        await asyncio.sleep(0.05)
        dbs = client(connection={"port": full.getsockname()[1]}, connect_timeout=0.2, max_attempts=1)
        with pytest.raises(errors.DbsTimeoutError, match=r"within connect_timeout \(0\.2 s\)") as caught:
            await dbs.list_regions()
    assert caught.value.retryable


async def test_server_that_speaks_no_http(client: Clients) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(errors.DbsConnectionError, match="cannot be reached: ") as caught:
        await client(connection={"port": port}, max_attempts=1).list_regions()
    assert "/?" not in str(caught.value)
    server.close()


# -- TLS ------------


@pytest.fixture(scope="module")
def tls_emulator() -> Iterator[Emulator]:
    with Emulator(tls=True) as emulator:
        yield emulator


async def test_private_authority_is_trusted_by_its_bundle(tls_emulator: Emulator, client: Clients) -> None:
    tls_emulator.clear()
    dbs = client(tls_emulator)
    assert dbs.settings.endpoint.startswith("https://")
    for _ in range(3):
        assert await dbs.list_regions()
    assert tls_emulator.connections_opened == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_private_authority_without_its_bundle_names_ca_bundle(
    tls_emulator: Emulator, client: Clients, host: str
) -> None:
    assert await client(tls_emulator).list_regions()  # trust is not passed on from one client to another
    tls_emulator.clear()
    with pytest.raises(errors.DbsConnectionError, match="set ca_bundle") as caught:
        await client(tls_emulator, connection={"host": host}, ca_bundle=None).list_regions()
    assert not caught.value.retryable
    assert tls_emulator.calls == []


async def test_calls_at_once_build_one_ssl_context(
    tls_emulator: Emulator, client: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str | None] = []
    build = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda cafile: built.append(cafile) or build(cafile=cafile))
    bundle = tmp_path / "ca.pem"
    shutil.copy(tls_emulator.ca_bundle, bundle)
    dbs = client(tls_emulator, ca_bundle=str(bundle))
    await asyncio.gather(*(dbs.list_regions() for _ in range(20)))
    assert built == [str(bundle)]


async def test_bundle_that_cannot_be_read_is_named(tls_emulator: Emulator, client: Clients, tmp_path: Path) -> None:
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path, why in ((missing, "No such file"), (empty, ""), (tmp_path, "")):
        with pytest.raises(errors.DbsSettingsError, match=rf"ca_bundle '{path}' cannot be read: {why}"):
            await client(tls_emulator, ca_bundle=str(path)).list_regions()


async def test_https_to_a_port_that_speaks_http(dbs_emulator: Emulator, client: Clients) -> None:
    with pytest.raises(errors.DbsConnectionError, match="cannot be reached"):
        await client(protocol="https", max_attempts=1).list_regions()


# -- proxies ------------


class Proxy:
    """A forward proxy: whole addresses for http, CONNECT for https."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, _, rest = head.partition("\r\n")
            method, target, version = line.split()
            self.requests.append(f"{method} {target.partition('?')[0]}")
            self.authorizations += [
                item[21:] for item in rest.split("\r\n") if item.startswith("Proxy-Authorization: ")
            ]
            if self.refuses:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            address = urlsplit(target if method != "CONNECT" else f"//{target}")
            upstream_reader, upstream = await asyncio.open_connection(address.hostname, address.port)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.write(f"{method} /?{address.query} {version}\r\n{rest}".encode())
            await asyncio.gather(pipe(reader, upstream), pipe(upstream_reader, writer))


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy, and its address without a scheme."""
    made = Proxy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    yield made, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await transport.close()
    server.close()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_to(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        transport._proxy.cache_clear()

    return set_to


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_proxy_of_the_environment_is_used(
    dbs_emulator: Emulator,
    client: Clients,
    proxy: tuple[Proxy, str],
    environment: Callable[..., None],
    name: str,
    scheme: str,
) -> None:
    made, address = proxy
    environment(**{name: f"{scheme}user:pass@{address}"})
    assert await client().list_regions()
    assert made.requests == [f"POST {dbs_emulator.url}/"]
    assert made.authorizations == [f"Basic {base64.b64encode(b'user:pass').decode()}"]


async def test_proxy_tunnels_https(
    tls_emulator: Emulator, client: Clients, proxy: tuple[Proxy, str], environment: Callable[..., None]
) -> None:
    made, address = proxy
    environment(HTTPS_PROXY=f"http://user:pass@{address}", HTTP_PROXY="http://127.0.0.1:9")
    assert await client(tls_emulator).list_regions()
    assert made.requests == [f"CONNECT 127.0.0.1:{tls_emulator.port}"]
    assert len(made.authorizations) == 1


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "example.com,127.0.0.1", "*"])
async def test_no_proxy_is_honoured(
    client: Clients, proxy: tuple[Proxy, str], environment: Callable[..., None], no_proxy: str
) -> None:
    made, address = proxy
    environment(HTTP_PROXY=f"http://{address}", NO_PROXY=no_proxy)
    assert await client().list_regions()
    assert made.requests == []


async def test_proxy_that_refuses_the_tunnel(
    tls_emulator: Emulator, client: Clients, proxy: tuple[Proxy, str], environment: Callable[..., None]
) -> None:
    made, address = proxy
    made.refuses = True
    environment(HTTPS_PROXY=f"http://user:pass@{address}")
    with pytest.raises(errors.DbsConnectionError, match=r"the proxy refused to connect to .* \(HTTP 407\)"):
        await client(tls_emulator, max_attempts=1).list_regions()


async def test_proxy_of_another_kind_is_named(client: Clients, environment: Callable[..., None]) -> None:
    environment(ALL_PROXY="socks5h://user:pass@127.0.0.1:1080")
    with pytest.raises(errors.DbsSettingsError, match=r"names a socks5h proxy for 127.0.0.1.*NO_PROXY") as caught:
        await client().list_regions()
    assert "pass" not in str(caught.value)


async def test_proxy_that_cannot_be_reached_is_named_as_what_failed(
    client: Clients, environment: Callable[..., None]
) -> None:
    environment(HTTP_PROXY="http://user:s3cret@127.0.0.1:1", NO_PROXY="")
    with pytest.raises(errors.DbsConnectionError, match=r"the proxy that .* cannot be reached") as caught:
        await client(max_attempts=1).list_regions()
    assert caught.value.retryable
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["http://user:s3 cret@:bad:9x", "http://", "http://[::1", "http://proxy:0"])
async def test_proxy_that_is_no_address_is_a_setting_to_correct(
    client: Clients, environment: Callable[..., None], proxy: str
) -> None:
    environment(HTTP_PROXY=proxy, NO_PROXY="")
    with pytest.raises(errors.DbsSettingsError, match=r"names a proxy for 127.* that is no address") as caught:
        await client().list_regions()
    assert "s3" not in str(caught.value)
