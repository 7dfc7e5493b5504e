"""Text that is invalid in its charset is refused by name; otherwise, text that nobody wrote would be stored."""

import socket
from typing import Any

import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests.client import Client, texts
from tests.product import Server

FORM, JSON = {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("message=%ff%fe", "message"),
        ("message=Hi&user_state=%7B%22a%22%3A%22%ff%22%7D", "user_state"),
        ("message=Hi&app=%c3%28", "app"),
        ("message=%EF%BF%BD&na%ffme=x", "na\ufffdme"),
    ],
)
def test_an_unreadable_query_string_is_refused(client: Client, query: str, name: str) -> None:
    refused_by_name(client, client.request("POST", f"/api/chat?{query}"), name)


def test_unreadable_bytes_in_the_request_line_are_refused(server: Server, client: Client) -> None:
    line = b"POST /api/chat?x=1&message=\xff\xfe HTTP/1.1\r\n"
    headers = f"Host: 127.0.0.1:{server.port}\r\nX-Session-Id: {client.session_id}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(line + headers.encode())
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[1] == b"400"
    assert not ChatSession.objects.filter(pk=client.session_id).exists()


@pytest.mark.parametrize(
    ("body", "headers", "name"),
    [
        (b"message=%ff%fe", FORM, "message"),
        (b"message=\xff\xfe", FORM, "message"),
        (b"app=default&message=a%81", {"Content-Type": f"{FORM['Content-Type']}; charset=cp1252"}, "message"),
        (b'{"message": "\xff"}', JSON, "message"),
        (b'{"message": "\\ud800"}', JSON, "message"),
        (b'{"message": "Hi", "user_state": {"ext": [{}, {"a": "\xff"}]}}', JSON, "user_state.ext[1].a"),
        (b'{"message": "Hi", "b\xff": 1}', JSON, "b"),
    ],
)
def test_an_unreadable_body_is_refused(client: Client, body: bytes, headers: dict[str, str], name: str) -> None:
    refused_by_name(client, client.request("POST", "/api/chat", content=body, headers=headers), name)


def test_openais_clients_get_the_parameters_path(app_client: Client, app: App) -> None:
    body = b'{"model": "default", "messages": [{"role": "user", "content": "\xc3\x28"}]}'
    refused = app_client.request("POST", "/v1/chat/completions", content=body, headers=JSON)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "messages[0].content"
    listed = app_client.request("GET", "/v1/models?after=%ff")
    assert (listed.status_code, listed.json()["error"]["param"]) == (400, "after")


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        ("message=%EF%BF%BD", FORM, "\ufffd"),
        ("message=%C3%A9+%F0%9F%98%80", FORM, "é 😀"),
        (b"message=caf%e9", {"Content-Type": f"{FORM['Content-Type']}; charset=latin-1"}, "café"),
    ],
)
def test_readable_text_is_accepted(client: Client, body: Any, headers: dict[str, str], text: str) -> None:
    taken = client.request("POST", "/api/chat", content=body, headers=headers)
    assert taken.status_code == 200, taken.text
    assert texts(taken.json())[0] == ("user", text)


def refused_by_name(client: Client, refused: Any, name: str) -> None:
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request"), refused.text
    assert refused.json()["detail"].startswith(name)
    assert " is not valid " in refused.json()["detail"]
    assert not ChatSession.objects.filter(pk=client.session_id).exists()
