"""The outbound client, against real servers that misbehave and host names that change their address."""

import asyncio
import gzip
import socket
import threading
import zlib
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from apps_registry.outbound.client import MAX_PER_HOST, CallRecord, OutboundRequest, OutboundResponse, send
from apps_registry.outbound.errors import OutboundError, Refused, TimedOut, TooLarge, Unreachable
from tests.upstream import Handler, Received, Upstream, closed_port

Call = Callable[..., OutboundResponse]


@pytest.fixture
def records() -> list[CallRecord]:
    return []


@pytest.fixture
def call(upstream: Upstream, records: list[CallRecord]) -> Call:
    """Sends a request as an App may that allows the upstream server: call("/path") or call("http://…")."""

    def send_one(url: str = "/", *, method: str = "GET", seconds: float = 3, **more: Any) -> OutboundResponse:
        allowed = frozenset(more.pop("allowed", {upstream.host}))
        request = OutboundRequest(method, upstream.url + url if url.startswith("/") else url, **more)
        return asyncio.run(send(request, allowed_hosts=allowed, timeout_seconds=seconds, records=records))

    return send_one


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses to which this process opens connections."""
    addresses: list[Any] = []
    real = BaseSelectorEventLoop.sock_connect

    async def noted(self: Any, sock: Any, address: Any) -> Any:
        addresses.append(address)
        return await real(self, sock, address)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", noted)
    return addresses


def answers(monkeypatch: pytest.MonkeyPatch, *turns: list[str]) -> list[str]:
    """Script the name service: one list of addresses for each lookup; return the names that were looked up."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        ip_addresses = turns[min(len(asked), len(turns)) - 1]
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in address], socket.SOCK_STREAM, 6, "", (address, port)) for address in ip_addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


HOSTS = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "localhost."),
    *(
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ),
    *("169.254.169.254", "168.63.129.16", "100.64.0.1", "[fd00:ec2::254]", "[fd20:ce::254]", "[fe80::1]"),
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_way_of_writing_a_forbidden_address_opens_a_connection(
    call: Call, connected: list[Any], records: list[CallRecord], upstream: Upstream, host: str
) -> None:
    port = upstream.host.rpartition(":")[2]
    with pytest.raises(OutboundError) as error:
        call(f"http://{host}:{port}/", allowed=set())
    assert connected == []
    assert upstream.received == []
    assert all(record.verdict == error.value.verdict for record in records)
    if isinstance(error.value, Refused):  # no resolver here reads the rest as an address
        assert "address" in str(error.value)


@pytest.mark.parametrize(
    "ip_addresses",
    [["10.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["2606:4700::1", "::1"], ["169.254.169.254"], ["64:ff9b::a00:1"]],
)
def test_one_forbidden_answer_refuses_them_all(
    call: Call, connected: list[Any], monkeypatch: pytest.MonkeyPatch, ip_addresses: list[str]
) -> None:
    answers(monkeypatch, ip_addresses)
    with pytest.raises(Refused, match=r"evil\.example has a"):
        call("http://evil.example/")
    assert connected == []


def test_a_name_is_asked_for_once_and_its_answer_connected_to(
    call: Call, connected: list[Any], monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    """A name whose answer changes between check and connection (DNS rebinding) gains nothing."""
    port = upstream.host.rpartition(":")[2]
    asked = answers(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    call(f"http://api.internal:{port}/", allowed={f"api.internal:{port}"})
    assert (asked, connected) == (["api.internal"], [("127.0.0.1", int(port))])
    assert upstream.received[0].headers["Host"] == f"api.internal:{port}"


def test_permission_for_a_host_covers_only_that_name_and_port(call: Call, upstream: Upstream) -> None:
    port = upstream.host.rpartition(":")[2]
    assert call(allowed={f"127.0.0.1:{port}"}).status == 200
    for allowed in ({f"localhost:{port}"}, {"127.0.0.1:80"}, {"127.0.0.1"}):
        with pytest.raises(Refused):
            call(allowed=allowed)


def test_the_next_address_is_tried_when_one_does_not_answer(
    call: Call, monkeypatch: pytest.MonkeyPatch, upstream: Upstream, records: list[CallRecord]
) -> None:
    port = upstream.host.rpartition(":")[2]
    answers(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    assert call(f"http://api.internal:{port}/", allowed={f"api.internal:{port}"}).status == 200
    assert records[0].address == "127.0.0.1"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_proxies_of_the_environment_are_not_used(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, upstream: Upstream
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port()}")
    assert call().status == 200
    with pytest.raises(Refused):
        call("http://169.254.169.254/")


def test_redirects_keep_what_the_rules_allow(call: Call, upstream: Upstream, records: list[CallRecord]) -> None:
    def handle(handler: Handler, request: Received) -> None:
        step = int(request.path[1:] or 0)
        handler.reply("there") if step == 3 else handler.redirect(f"/{step + 1}", 307)

    upstream.handle = handle
    sent = {"Authorization": "Bearer x", "Content-Type": "text/plain"}
    assert call("/0", method="POST", headers=sent, body=b"data").body == b"there"
    assert [(r.path, r.method, r.body, r.headers["Authorization"]) for r in upstream.received] == [
        (f"/{n}", "POST", b"data", "Bearer x") for n in range(4)
    ]
    assert [record.status for record in records] == [307, 307, 307, 200]


def test_the_number_of_redirects_is_limited(call: Call, upstream: Upstream, records: list[CallRecord]) -> None:
    upstream.handle = lambda handler, _: handler.redirect("/again")
    with pytest.raises(Refused, match="more than 3 redirects"):
        call()
    assert len(upstream.received) == 4
    assert records[-1].verdict == "refused: more than 3 redirects"


def test_a_see_other_becomes_a_get(call: Call, upstream: Upstream) -> None:
    upstream.handle = lambda h, r: h.redirect("/done", 303) if r.method == "POST" else h.reply("ok")
    call(method="POST", body=b"x", headers={"Content-Type": "a/b"})
    after = upstream.received[1]
    assert (after.method, after.body, after.headers.get("Content-Type")) == ("GET", b"", None)


@pytest.fixture
def elsewhere() -> Iterator[Upstream]:
    """A server of another origin."""
    running = Upstream(lambda handler, _: handler.reply("elsewhere"))
    yield running
    running.stop()


def public(monkeypatch: pytest.MonkeyPatch, elsewhere: Upstream) -> None:
    """Treat loopback as public, in place of a server on the internet."""
    monkeypatch.setattr("apps_registry.outbound.backend.refusal", lambda *_, **__: None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_origin_gets_none_of_our_headers(
    call: Call, upstream: Upstream, elsewhere: Upstream, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    public(monkeypatch, elsewhere)
    upstream.handle = lambda handler, _: handler.redirect(f"{elsewhere.url}/x", status)
    sent = {"Authorization": "Bearer x", "X-Api-Key": "y", "Cookie": "z", "Accept-Language": "de"}
    assert call(headers=sent).body == b"elsewhere"
    got = {name.lower(): value for name, value in elsewhere.received[0].headers.items()}
    assert set(got) == {"host", "accept", "accept-encoding", "accept-language", "user-agent"}


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_does_not_go_to_another_origin(
    call: Call, upstream: Upstream, elsewhere: Upstream, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    public(monkeypatch, elsewhere)
    upstream.handle = lambda handler, _: handler.redirect(f"{elsewhere.url}/x", status)
    with pytest.raises(Refused, match="a request with a body"):
        call(method="POST", body=b"secret")
    assert elsewhere.received == []


def test_permission_for_hosts_does_not_apply_to_redirects(call: Call, upstream: Upstream, elsewhere: Upstream) -> None:
    """An allowed or public server must not choose what is fetched from another allowed one."""
    upstream.handle = lambda handler, _: handler.redirect(f"{elsewhere.url}/admin")
    with pytest.raises(Refused, match="loopback address"):
        call(allowed={upstream.host, elsewhere.host})
    assert elsewhere.received == []


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("http://169.254.169.254/latest/meta-data", "metadata"),
        ("http://10.0.0.1/", "private"),
        ("http://[::1]:80/", "loopback"),
        ("file:///etc/passwd", "plain http"),
        ("ftp://example.com/", "plain http"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "plain http"),
        ("http://user:password@example.com/", "plain http"),
        ("http://[::1", "cannot be read"),
    ],
)
def test_a_redirect_cannot_lead_to_a_forbidden_address(
    call: Call, upstream: Upstream, connected: list[Any], location: str, rule: str
) -> None:
    upstream.handle = lambda handler, _: handler.redirect(location)
    with pytest.raises(Refused, match=rule):
        call()
    assert len(connected) == 1


def test_no_cookie_is_kept(call: Call, upstream: Upstream) -> None:
    upstream.handle = lambda h, r: h.reply("", 302, Location="/b", Set_Cookie="a=b") if r.path == "/" else h.reply("x")
    call()
    call("/b")
    assert all("Cookie" not in request.headers for request in upstream.received)


def bomb(compress: Any) -> bytes:
    """Return the beginning of 300 MB: after a full flush, the same compressed block can follow any number of times."""
    first, next_one = (compress.compress(bytes(1024 * 1024)) + compress.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return b"".join([first, *[next_one] * 299])


BOMBS = {"gzip": zlib.compressobj(wbits=31), "deflate": zlib.compressobj()}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_decompression_bomb_is_refused(
    call: Call, upstream: Upstream, records: list[CallRecord], encoding: str
) -> None:
    body = bomb(BOMBS[encoding])
    upstream.handle = lambda handler, _: handler.reply(body, Content_Encoding=encoding)
    call_is_small = psutil.Process().memory_info().rss
    with pytest.raises(TooLarge):
        call(seconds=10)
    assert psutil.Process().memory_info().rss - call_is_small < 50 * 1024 * 1024  # of 300 MB
    assert (records[0].verdict, records[0].status) == ("too large", 200)


def test_a_nested_decompression_bomb_is_refused(call: Call, upstream: Upstream) -> None:
    twice = gzip.compress(gzip.compress(bytes(50 * 1024 * 1024)))
    upstream.handle = lambda handler, _: handler.reply(twice, Content_Encoding="gzip, gzip")
    with pytest.raises(TooLarge):
        call()


def test_an_endless_answer_is_cut(call: Call, upstream: Upstream) -> None:
    upstream.handle = lambda handler, _: handler.flood()
    with pytest.raises(TooLarge):
        call(seconds=10)


def test_endless_headers_are_refused(call: Call, upstream: Upstream) -> None:
    def handle(handler: Handler, _: Received) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: %b\r\n" % (b"y" * 1000) * 3000)

    upstream.handle = handle
    with pytest.raises(Unreachable):
        call(seconds=10)


@pytest.mark.parametrize(
    "handle",
    [
        lambda handler, _: handler.drip(5),
        lambda _handler, _: threading.Event().wait(5),
        lambda handler, _: handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n") and threading.Event().wait(5),
    ],
    ids=["drip", "silence", "silence after the headers"],
)
def test_a_slow_server_times_out(call: Call, upstream: Upstream, records: list[CallRecord], handle: Any) -> None:
    upstream.handle = handle
    with pytest.raises(TimedOut):
        call(seconds=0.3)
    assert records[0].verdict == "timed out"


def test_a_slow_name_service_times_out(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gate.wait(5))
    with pytest.raises(TimedOut):
        call("http://slow.example/", seconds=0.3)
    gate.set()


FAULTS: dict[str, tuple[Any, str]] = {
    "not HTTP": (lambda h, _: h.wfile.write(b"SSH-2.0-x\r\n\r\n"), "connection broke"),
    "cut off": (
        lambda h, _: h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        "connection broke",
    ),
    "closed": (lambda h, _: None, "connection broke"),
    "broken gzip": (lambda h, _: h.reply(b"not gzip", Content_Encoding="gzip"), "compression is broken"),
}


@pytest.mark.parametrize(("handle", "complaint"), FAULTS.values(), ids=FAULTS)
def test_a_broken_answer_is_a_clear_failure(call: Call, upstream: Upstream, handle: Any, complaint: str) -> None:
    upstream.handle = handle
    with pytest.raises(Unreachable, match=complaint):
        call()


def test_a_refused_connection_is_an_error(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"127.0.0.1:{closed_port()}"
    with pytest.raises(Unreachable, match="no connection"):
        call(f"http://{host}/", allowed={host})
    with pytest.raises(Unreachable, match="name is not known"):
        call("http://does-not-exist.invalid/")


def test_a_host_gets_only_so_many_calls_at_once(upstream: Upstream) -> None:
    now, most, gate, full = 0, 0, threading.Lock(), threading.Event()

    def handle(handler: Handler, _: Received) -> None:
        nonlocal now, most
        with gate:
            now += 1
            most = max(most, now)
            if now == MAX_PER_HOST:
                full.set()
        full.wait(10)
        threading.Event().wait(0.05)  # time in which a call beyond the limit would come
        with gate:
            now -= 1
        handler.reply("x")

    async def many() -> None:
        request, allowed = OutboundRequest("GET", upstream.url), frozenset({upstream.host})
        await asyncio.gather(*(send(request, allowed_hosts=allowed, timeout_seconds=20, records=[]) for _ in range(40)))

    upstream.handle = handle
    asyncio.run(many())
    assert most == MAX_PER_HOST
    assert len(upstream.received) == 40
