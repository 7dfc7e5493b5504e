"""Validates definitions of HTTP tools when they are saved; messages are for operators."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import httpx2
import orjson

from apps_registry.http_tools.definition import BodyType, HttpToolDefinition, WalletNeed
from apps_registry.http_tools.json_path import parse_path
from apps_registry.http_tools.schema import find_schema_problem
from apps_registry.http_tools.templates import WALLET_NAMES, is_well_formed, placeholders
from apps_registry.tools.base import SEARCH_TOOL

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MAX_TIMEOUT_SECONDS = 60
MAX_RETRIES = 3
MAX_CACHE_SECONDS = 86_400
MAX_RESULT_CHARS = 32_000
# Of the attributes that are numbers: the least and the most.
LIMITS: dict[str, tuple[float, float]] = {
    "timeout_seconds": (0.5, MAX_TIMEOUT_SECONDS),
    "retries": (0, MAX_RETRIES),
    "cache_seconds": (0, MAX_CACHE_SECONDS),
    "max_result_chars": (100, MAX_RESULT_CHARS),
}
MAX_ENTRIES = 50
MAX_RESULT_HEADERS = 10
MAX_BODY_CHARS = 64_000
MAX_DESCRIPTION_CHARS = 4_000
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")  # the names that OpenAI-compatible APIs accept
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"
_URL = re.compile(rf"https?://(?:{_HOST})(?::(?P<port>[0-9]{{1,5}}))?(?P<path>/.*)?\Z")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")  # RFC 9110, section 5.6.2
# Headers of the connection, which a tool must not set.
_FORBIDDEN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization"}
    | {"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_CREDENTIAL_HEADERS = frozenset({"set-cookie", "set-cookie2", "authentication-info", "proxy-authentication-info"})


class Problem(NamedTuple):
    """An error in one attribute of a definition."""

    attribute: str
    message: str


def find_problems(definition: HttpToolDefinition) -> list[Problem]:
    """Return the errors of a definition; an empty list if it is valid."""
    checks = (_plain, _numbers, _url, _entries, _body)
    problems = [problem for check in checks for problem in check(definition)]
    return problems or list(_placeholders(definition))  # relies on the other checks


def _plain(definition: HttpToolDefinition) -> Iterator[Problem]:
    if not isinstance(definition.name, str) or not TOOL_NAME.match(definition.name):
        yield Problem("name", "Use up to 64 letters, digits, hyphens and underscores.")
    elif definition.name.lower() == SEARCH_TOOL:
        yield Problem("name", "This name is reserved for the tool that searches an App's documents.")
    description = definition.description
    if not isinstance(description, str) or not 1 <= len(description.strip()) <= MAX_DESCRIPTION_CHARS:
        yield Problem("description", f"Say when to use the tool, in 1 to {MAX_DESCRIPTION_CHARS} characters.")
    if problem := find_schema_problem(definition.parameters):
        yield Problem("parameters", problem)
    if definition.method not in METHODS:
        yield Problem("method", f"Use one of {', '.join(METHODS)}.")
    if definition.needs_wallet not in get_args(WalletNeed):
        yield Problem("needs_wallet", 'Use "", "any" or "proven".')
    try:
        parse_path(definition.result_path)
    except (ValueError, AttributeError) as error:
        yield Problem("result_path", str(error))
    yield from _result_headers(definition.result_headers)


def _result_headers(names: object) -> Iterator[Problem]:
    if not isinstance(names, list) or len(names) > MAX_RESULT_HEADERS:
        yield Problem("result_headers", f"Name up to {MAX_RESULT_HEADERS} headers.")
        return
    for name in names:
        if not isinstance(name, str) or not _TOKEN.match(name):
            yield Problem("result_headers", f"{str(name)[:80]!r} is not the name of a header.")
        elif name.lower() in _CREDENTIAL_HEADERS:
            yield Problem("result_headers", f"{name} contains a session or a credential, so the model cannot get it.")


def _numbers(definition: HttpToolDefinition) -> Iterator[Problem]:
    for name, (least, most) in LIMITS.items():
        value = getattr(definition, name)
        kinds = (int, float) if name == "timeout_seconds" else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            yield Problem(name, f"Use a number from {least:g} to {most:g}.")


def _url(definition: HttpToolDefinition) -> Iterator[Problem]:
    url = definition.url
    match = _URL.match(url) if isinstance(url, str) and len(url) <= 2000 else None
    if match is None:
        yield Problem(
            "url", "Write http:// or https://, a host in plain text, and a path, such as https://a.example/v1."
        )
        return
    if match["port"] and not 1 <= int(match["port"]) <= 65_535:
        yield Problem("url", "A port is a number from 1 to 65535.")
    path = match["path"] or ""
    try:
        httpx2.URL(url.removesuffix(path))
    except httpx2.InvalidURL as error:
        yield Problem("url", f"{error}.")
    if "?" in path or "#" in path:
        yield Problem(
            "url", "Write the part after the question mark into the query, one entry per line; # is not sent."
        )
    if not is_well_formed(path) or re.search(r"[\s\\]", re.sub(r"\{\{.*?\}\}", "", path)):
        rule = "no spaces, no backslash, and double braces only as placeholders, such as {{ args.id }}"
        yield Problem("url", f"The path may contain {rule}.")


def _entries(definition: HttpToolDefinition) -> Iterator[Problem]:
    for attribute, entries in (("query", definition.query), ("headers", definition.headers)):
        yield from _mapping(attribute, entries)
    for message in header_problems(definition.headers):
        yield Problem("headers", message)


def header_problems(headers: object) -> Iterator[str]:
    """Yield the reasons why headers, as name -> value, cannot be sent."""
    if not isinstance(headers, Mapping):
        return
    if len(headers) > MAX_ENTRIES:
        yield f"Use up to {MAX_ENTRIES} headers."
        return
    names = Counter(str(name).lower() for name in headers)
    for name in headers:
        if not isinstance(name, str) or not _TOKEN.match(name):
            yield f"{str(name)[:80]!r} is not the name of a header."
        elif name.lower() in _FORBIDDEN_HEADERS:
            yield f"{name} is set by the connection itself."
        elif names[name.lower()] > 1:
            yield f"{name} occurs twice."
    for value in headers.values():
        if isinstance(value, str) and not re.fullmatch(r"[\x20-\x7e]*", value):
            yield "Header values can contain only ASCII characters, without line breaks."


def _mapping(attribute: str, entries: Any) -> Iterator[Problem]:
    if not isinstance(entries, Mapping) or len(entries) > MAX_ENTRIES:
        yield Problem(attribute, f"Use up to {MAX_ENTRIES} entries, each with a name.")
        return
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, str) or "{{" in name:
            yield Problem(attribute, "Names and values must be text, and names cannot contain placeholders.")
        elif not is_well_formed(value):
            yield Problem(attribute, f"The value of {name[:80]} contains braces that are not a placeholder.")


def _body(definition: HttpToolDefinition) -> Iterator[Problem]:
    body, kind = definition.body, definition.body_type
    if kind not in get_args(BodyType):
        yield Problem("body_type", 'Use "json", "form", "text" or "".')
    elif kind == "":
        if body is not None:
            yield Problem("body_type", "Choose the type of the body.")
    elif definition.method in {"GET", "HEAD"}:
        yield Problem("body", f"{definition.method} sends no body.")
    elif kind == "form":
        yield from _mapping("body", body)
    elif kind == "text" and not isinstance(body, str):
        yield Problem("body", "A body of type text must be a string.")
    elif kind == "json":
        yield from _json_body(body)


def _json_body(body: Any) -> Iterator[Problem]:
    try:
        text = orjson.dumps(body).decode()
    except TypeError:  # also raised if it is nested too deeply
        yield Problem("body", "This cannot be sent as JSON.")
        return
    if len(text) > MAX_BODY_CHARS:
        yield Problem("body", f"The body is longer than {MAX_BODY_CHARS} characters.")
    if any("{{" in key or not is_well_formed(value) for key, value in _strings(body)):
        yield Problem("body", "It contains braces that are not a placeholder, or a placeholder in the name of a key.")


def _strings(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the strings of JSON data, each with its key."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, Mapping):
        for name, value in node.items():
            yield name, ""
            yield from _strings(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _placeholders(definition: HttpToolDefinition) -> Iterator[Problem]:
    known = definition.parameters.get("properties", {})
    required = definition.parameters.get("required", [])
    for attribute in ("url", "query", "headers", "body"):
        for namespace, name in placeholders(getattr(definition, attribute)):
            if namespace == "args" and name not in known:
                yield Problem(attribute, f"There is no argument {name}.")
            elif namespace == "args" and attribute == "url" and name not in required:
                yield Problem(attribute, f"The argument {name} is part of the path, so it must be required.")
            elif namespace == "wallet" and name not in WALLET_NAMES:
                yield Problem(attribute, f"A wallet has {', '.join(WALLET_NAMES)}, but no {name}.")


def secrets_used(definition: HttpToolDefinition) -> set[str]:
    """Return the names of the secrets in a definition."""
    templates = (definition.url, definition.query, definition.headers, definition.body)
    return {name for template in templates for namespace, name in placeholders(template) if namespace == "secrets"}
