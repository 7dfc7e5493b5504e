"""Reading documents: JSON, YAML, versions, bombs, references."""

import json

import pytest

from apps_registry.http_tools.checks import find_problems
from apps_registry.openapi.document import DocumentError, Unsupported, read_document
from apps_registry.openapi.parsing import MAX_YAML_BYTES
from apps_registry.support.text.yaml_reader import load_yaml
from tests.apps_registry.openapi.documents import document, imported

HEAD = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\n"
# Each level contains the previous one ten times.
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
MERGE_BOMB = "m0: &m0 {k: v}\n" + "".join(
    f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}\n" for n in range(1, 9)
)


def refusal(content: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read_document(content)
    return str(caught.value)


def test_json_and_yaml_give_the_same() -> None:
    as_json = json.dumps({"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}}).encode()
    assert read_document(as_json).data == read_document(HEAD.encode()).data
    assert read_document(b"\xef\xbb\xbf" + as_json).title == "T"
    assert read_document(b"{openapi: 3.1.0, info: {title: Braces}}").title == "Braces"


def test_yaml_knows_the_types_of_json_only() -> None:
    text = "[yes, on, 12:30, 2026-01-01, 0123, 1_000, true, null, ~, 7, -1.5, 1e3]"
    plain = ["yes", "on", "12:30", "2026-01-01", "0123", "1_000", True, None, None, 7, -1.5, 1000.0]
    assert load_yaml(text) == plain


@pytest.mark.parametrize(
    "text", ["&a [*a]", "!!python/name:os.system", "!!timestamp 2026-01-01", "[" * 300, "a: b: c", ""]
)
def test_yaml_with_other_content_than_plain_data_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        load_yaml(text)


@pytest.mark.parametrize("bomb", [BOMB, MERGE_BOMB, "[" * 100_000], ids=["aliases", "merges", "nesting"])
def test_bombs_are_refused_before_they_grow(bomb: str) -> None:
    assert "cannot be read" in refusal((HEAD + bomb).encode()) or "not YAML" in refusal((HEAD + bomb).encode())


def test_an_alias_that_is_used_twice_is_fine() -> None:
    assert load_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"swagger": "2.0"}', "Swagger 2.0"),
        (b'{"openapi": "4.0.0"}', "only 3.0 and 3.1"),
        (b'{"info": {}}', "no member"),
        (b"[1, 2]", "not an object"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a: b\n" * (MAX_YAML_BYTES // 5 + 1), "convert it to JSON"),
    ],
)
def test_other_content_than_openapi_is_refused_with_a_reason(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_references_are_followed_within_the_document_only() -> None:
    data = {
        "openapi": "3.1.0",
        "a/b": {"c~d": {"deep": 1}},
        "round": {"$ref": "#/square"},
        "square": {"$ref": "#/round"},
    }
    document = read_document(json.dumps(data).encode())
    assert document.resolve({"$ref": "#/a~1b/c~0d", "note": "beside"})[0] == {"deep": 1, "note": "beside"}
    for reference in ("https://evil.example/x.json", "other.yaml#/a", "#/nowhere", "#/round", "#", "#anchor"):
        with pytest.raises(Unsupported):
            document.resolve({"$ref": reference})


YAML = (
    "openapi: 3.0.3\ninfo: {title: T, version: '1'}\nservers: [{url: 'https://a.example'}]\n"
    "paths:\n  /x:\n    post:\n      operationId: x\n      requestBody:\n"
)
ODD_SCHEMAS = {
    "a uint256": f"{{properties: {{a: {{maximum: {2**256 - 1}}}}}}}",
    "keys that are no text": "{properties: {1: {default: {true: a, null: b}}, a: {enum: [{2: x}]}}}",
    "an index of 5000 digits": "{$ref: '#/servers/" + "9" * 5000 + "'}",
}


@pytest.mark.parametrize("schema", ODD_SCHEMAS.values(), ids=ODD_SCHEMAS)
def test_unusual_values_do_not_break_an_import(schema: str) -> None:
    of = read_document(f"{YAML}        content: {{application/json: {{schema: {schema}}}}}".encode())
    tools, refusals = imported(of)
    assert len(tools) + len(refusals) == 1
    for imported_tool in tools:
        assert find_problems(imported_tool.definition) == []


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "default"])
def test_a_too_deeply_nested_document_is_refused(keyword: str) -> None:
    deep = '{"a":' * 400 + f'{{"{keyword}":[' * 50 + "1" + "]}" * 50 + "}" * 400
    assert "nested too deeply" in refusal(f'{{"openapi": "3.1.0", "paths": {{"/x": {deep}}}}}'.encode())


@pytest.mark.parametrize("server", ["http://[::1", "https://[x]/", "//[", "http://a.example:99999999/"])
def test_operations_of_a_server_with_an_invalid_address_are_refused(server: str) -> None:
    for url in ("", "https://a.example/openapi.json"):
        _, refusals = imported(document({"/x": {"get": {"operationId": "x"}}}, url=url, servers=[{"url": server}]))
        assert len(refusals) == 1
