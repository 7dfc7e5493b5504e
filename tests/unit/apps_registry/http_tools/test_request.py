"""A model's arguments only reach the places that the operator defined."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps_registry.http_tools.request import build_request
from apps_registry.http_tools.templates import Missing
from apps_registry.outbound.client import OutboundRequest
from apps_registry.tools.base import ToolError
from tests.definitions import make_definition

URL = "https://api.example.com:8443/v1/{{ args.id }}/x-{{ args.id }}.json"
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.lists(
        st.sampled_from(
            ["..", ".", "/", "\\", "%2e", "%2f", "%5c", "?", "#", "@", ":", "//", "\r\n", "\x00", "a", "%252e"]
        )
    ).map("".join),
)


def build(arguments: Mapping[str, Any], **overrides: Any) -> OutboundRequest:
    def lookup(namespace: str, name: str, /) -> Any:
        if namespace != "args" or name not in arguments:
            raise Missing(f"{namespace}.{name}")
        return arguments[name]

    return build_request(make_definition(**{"url": URL, **overrides}), lookup)


@given(TEXTS)
def test_a_value_stays_one_part_of_the_path(text: str) -> None:
    try:
        parts = urlsplit(build({"id": text}).url)
    except ToolError:
        return
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "api.example.com:8443", "", "")
    root, version, first, last = parts.path.split("/")
    assert (root, version, unquote(first), unquote(last)) == ("", "v1", text, f"x-{text}.json")
    assert not {".", ".."} & set(parts.path.split("/"))


@pytest.mark.parametrize(
    "text",
    ["..", ".", "../admin", "a/../b", "..\\b", "%2e%2e", "%2e%2e%2fadmin", "%252e%252e/x", "", "\ud800"],
)
def test_a_path_cannot_be_walked(text: str) -> None:
    with pytest.raises(ToolError):
        build({"id": text}, url="https://api.example.com/v1/{{ args.id }}/x")


def test_dots_that_the_template_joins_are_refused() -> None:
    with pytest.raises(ToolError, match="segments"):
        build({"id": "."}, url="https://api.example.com/v1/.{{ args.id }}/x")
    with pytest.raises(ToolError, match="segments"):
        build({"a": "x"}, url="https://api.example.com/v1/%2e./{{ args.a }}")


@given(TEXTS, TEXTS)
def test_a_value_stays_one_entry_of_the_query(text: str, other: str) -> None:
    query = {"p": "{{ args.a }}", "q": "{{ args.b }}"}
    try:
        url = build({"a": text, "b": [other, text]}, url="https://h.example/", query=query).url
    except ToolError:
        return
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == [("p", text), ("q", other), ("q", text)]


@given(TEXTS)
def test_a_value_stays_one_header(text: str) -> None:
    try:
        request = build({"a": text}, url="https://h.example/", headers={"X-A": "v{{ args.a }}", "X-B": "2"})
    except ToolError:
        assert not (text.isascii() and text.isprintable())
        return
    assert request.headers == {"X-A": f"v{text}".strip(), "X-B": "2"}
    assert "\r" not in request.headers["X-A"]
    assert "\n" not in request.headers["X-A"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_value_keeps_its_type_in_json(value: Any) -> None:
    body = {
        "whole": "{{ args.a }}",
        "deep": [{"x": " {{args.a}} "}],
        "gone": "{{ args.none }}",
        "list": ["{{ args.none }}", 1],
    }
    try:
        request = build({"a": value}, url="https://h.example/", method="POST", body=body, body_type="json")
    except ToolError:
        return
    assert json.loads(request.body or b"") == {"whole": value, "deep": [{"x": value}], "list": [1]}


def test_a_form_body_is_encoded() -> None:
    body = {"a": "{{ args.a }}", "n": "{{ args.b }}", "c": "{{ args.c }}"}
    form = build({"a": "x y", "b": 2.0}, url="https://h.example/", method="POST", body=body, body_type="form")
    assert (form.body, form.headers["Content-Type"]) == (b"a=x+y&n=2", "application/x-www-form-urlencoded")


def test_a_text_body_has_the_operators_content_type() -> None:
    headers = {"content-type": "application/xml"}
    more: dict[str, Any] = {"method": "POST", "body_type": "text", "headers": headers}
    text = build({"a": "ü"}, url="https://h.example/", body="<a>{{ args.a }}</a>", **more)
    assert (text.body, dict(text.headers)) == ("<a>ü</a>".encode(), headers)


@pytest.mark.parametrize("overrides", [{"url": URL}, {"body": "{{ args.id }}", "body_type": "text", "method": "POST"}])
def test_a_missing_required_value_is_an_error(overrides: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match='the argument "id" is needed'):
        build({}, **{"url": "https://h.example/", **overrides})
