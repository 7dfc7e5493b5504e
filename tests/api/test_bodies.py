"""Bodies as SDKs, proxies and browsers send them, at every endpoint that accepts one."""

import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests.client import Client, texts
from tests.conftest import Operator
from tests.product import Server

ADDRESS = "0x" + "ab" * 20
JSON = {"Content-Type": "application/json"}
FORM = "application/x-www-form-urlencoded"
MARK = "\ufeff".encode()
# Method, path and the body's fields.
BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat": ("POST", "/api/chat", {"message": "from a body"}),
    "system": ("POST", "/api/system", {"message": "from a body"}),
    "sessions": ("POST", "/api/sessions", {"app": "{app}"}),
    "rename": ("PATCH", "/api/sessions/{id}", {"title": "from a body"}),
    "model": ("POST", "/api/control/model", {"rig": "{model}"}),
    "challenge": ("POST", "/api/wallet/challenge", {"address": ADDRESS, "chain_id": 1}),
}
OFFERS = {
    "h2c": ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"],
    "websocket": ["Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    "TLS": ["Upgrade: TLS/1.2", "Connection: upgrade"],
}


@pytest.fixture
def opened(app_client: Client, app: App) -> Client:
    """A client with a key, whose session exists and belongs to its App."""
    app_client.request("POST", "/api/sessions", params={"app": app.slug})
    return app_client


def sent(client: Client, app: App, name: str) -> tuple[str, str, bytes]:
    method, path, fields = BODIES[name]
    slots = {"app": app.slug, "model": app.default_model.name}
    filled = {key: value.format(**slots) if isinstance(value, str) else value for key, value in fields.items()}
    return method, path.format(id=client.session_id), json.dumps(filled).encode()


def is_heard(client: Client, app: App, name: str) -> bool:
    """Whether the server has read the body; without it, the calls are refused."""
    session = ChatSession.objects.get(pk=client.session_id)
    match name:
        case "chat":
            return session.messages.filter(role="user", content="from a body").exists()
        case "sessions":
            return session.app == app
        case "rename":
            return session.title == "from a body"
        case "model":
            return session.chosen_model == app.default_model.name
    return True


def in_pieces(body: bytes) -> Iterator[bytes]:
    """A body whose length the client does not announce: it is sent in chunks."""
    for at in range(0, len(body), 7):
        yield body[at : at + 7]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    ("content_type", "mark"),
    [
        *(("application/json", b""), ("application/json", MARK), ("text/json; charset=utf-8", b"")),
        *(("Application/Vnd.Api+JSON", b""), ("application/json;charset=UTF-8", MARK)),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["whole", "chunked"])
def test_a_body_is_read_in_every_form(
    app_client: Client, app: App, name: str, content_type: str, mark: bytes, *, is_chunked: bool
) -> None:
    if name != "sessions":
        app_client.request("POST", "/api/sessions", params={"app": app.slug})
    method, path, body = sent(app_client, app, name)
    content: Any = in_pieces(mark + body) if is_chunked else mark + body
    answer = app_client.request(method, path, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert is_heard(app_client, app, name)


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
@pytest.mark.parametrize("charset", ["", "; charset=UTF-8", "; charset=x-unknown"])
def test_a_form_is_read_in_chunks_too(client: Client, mark: bytes, charset: str) -> None:
    content = in_pieces(mark + b"message=from%20a+body")
    answer = client.request("POST", "/api/chat", content=content, headers={"Content-Type": FORM + charset})
    assert texts(answer.json())[0] == ("user", "from a body")


@pytest.mark.parametrize("charset", ["base64", "utf-16", "idna", "punycode", "utf-7", "unicode_escape"])
def test_an_unsupported_charset_is_415(client: Client, charset: str) -> None:
    headers = {"Content-Type": f"{FORM}; charset={charset}"}
    answer = client.request("POST", "/api/chat", content=b"message=Hi", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


def raw(server: Server, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["whole", "chunked"])
def test_an_offer_to_upgrade_is_ignored(
    server: Server, opened: Client, app: App, name: str, offer: str, *, is_chunked: bool
) -> None:
    method, path, body = sent(opened, app, name)
    length = f"Content-Length: {len(body)}"
    if is_chunked:
        length, body = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    own = [f"X-Session-Id: {opened.session_id}", f"AOMI-APP-KEY: {opened.key}", "Content-Type: application/json"]
    first = head(f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *own, *OFFERS[offer], length) + body
    second = head("GET /livez HTTP/1.1", "Host: 127.0.0.1", *OFFERS[offer])
    last = head("GET /livez HTTP/1.1", "Host: 127.0.0.1", "Connection: close")
    answer = raw(server, first + second + last)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert answer.count(b'{"status": "ok"}') == 2  # the connection continues with the next request
    assert is_heard(opened, app, name)


def test_trailers_of_a_chunked_body_are_not_headers(server: Server, client: Client) -> None:
    lines = ["GET /api/state HTTP/1.1", "Host: 127.0.0.1", f"X-Session-Id: {client.session_id}"]
    request = head(*lines, "Transfer-Encoding: chunked", "Connection: close")
    trailers = head("0", f"X-Session-Id: {uuid.uuid4()}", "AOMI-APP-KEY: sk-nope")
    answer = raw(server, request + trailers)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert client.session_id.encode() in answer


def test_an_empty_header_survives_an_offer_to_upgrade(server: Server, client: Client) -> None:
    lines = ["GET /api/state HTTP/1.1", "Host: 127.0.0.1", f"X-Session-Id: {client.session_id}", "AOMI-APP-KEY:"]
    answer = raw(server, head(*lines, "Upgrade: h2c", "Connection: Upgrade, close"))
    assert answer.startswith(b"HTTP/1.1 401"), answer


def test_a_tunnel_is_refused(server: Server) -> None:
    answer = raw(server, head("CONNECT example.com:443 HTTP/1.1", "Host: example.com"))
    assert answer.startswith(b"HTTP/1.1 400"), answer


@pytest.mark.parametrize("encoding", ["gzip", "br", "x-unknown", "gzip, identity"])
@pytest.mark.parametrize("name", BODIES)
def test_an_encoded_body_is_415(opened: Client, app: App, name: str, encoding: str) -> None:
    method, path, body = sent(opened, app, name)
    answer = opened.request(method, path, content=body, headers={**JSON, "Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in answer.json()["detail"]


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_the_encoding_identity_is_accepted(client: Client, encoding: str) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    assert client.request("POST", "/api/chat", content=b'{"message": "Hi"}', headers=headers).status_code == 200


@pytest.mark.parametrize("content_type", ["text/xml", "text/plain", "multipart/form-data; boundary=x", "json", None])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_another_type_is_415(opened: Client, app: App, name: str, content_type: str | None) -> None:
    method, path, body = sent(opened, app, name)
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = opened.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]


def test_a_bad_body_is_415_even_if_the_query_string_has_everything(client: Client) -> None:
    query = {"message": "Hi", "app": "default", "public_key": ADDRESS, "user_state": "{}"}
    answer = client.request("POST", "/api/chat", params=query, content=b"x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/json"])
def test_an_empty_body_may_be_of_any_type(client: Client, content_type: str) -> None:
    headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
    assert client.request("POST", "/api/chat", params={"message": "Hi"}, headers=headers).status_code == 200


def test_a_chunked_body_over_the_limit_is_413(client: Client) -> None:
    answer = client.request("POST", "/api/chat", content=iter([b"x" * 100_000] * 11), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "message_too_large")


def test_a_file_may_be_uploaded_to_the_admin_in_chunks(server: Server, operator: Operator, app: App) -> None:
    signed_in = Browser()
    signed_in.force_login(User.objects.get(username=operator.username))
    page = f"/admin/apps_registry/app/{app.pk}/openapi/"
    with Client(server.url) as client:
        client.http.cookies.set("sessionid", signed_in.cookies["sessionid"].value)
        client.http.get(page)
        token = client.http.cookies["csrftoken"]
        form = head("--x", 'Content-Disposition: form-data; name="csrfmiddlewaretoken"') + token.encode() + b"\r\n"
        form += head("--x", 'Content-Disposition: form-data; name="file"; filename="a.json"') + b"{}\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = client.http.post(page, content=in_pieces(form), headers=headers)
    assert answer.status_code == 200  # without its body, the CSRF check would refuse it
    assert "a.json" in answer.text or "openapi" in answer.text.lower()
