"""Operations as tools: arguments, bodies, security, servers, names, and what is refused."""

from typing import Any

import pytest

from apps_registry.http_tools.checks import find_problems
from apps_registry.openapi.convert import MAX_SCHEMA_BYTES
from apps_registry.openapi.document import DocumentError
from apps_registry.openapi.operations import read_operations
from tests.apps_registry.openapi.documents import body, document, imported, one, query, refusal, tool

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}
RANGE = {"type": "object", "properties": {"gte": {"type": "integer"}, "lt": {"type": "integer"}}, "required": ["gte"]}


def test_parameters_become_arguments_in_their_places() -> None:
    converted = tool(
        document(
            {
                "/tokens/{token-id}": {
                    "parameters": [
                        {"name": "token-id", "in": "path", "required": True, "schema": TEXT, "description": "Which."},
                        query("days", {"type": "integer"}),
                    ],
                    "get": {
                        "operationId": "getToken",
                        "summary": "Price of a token",
                        "parameters": [
                            query("days", {"type": "number"}, description="The operation's own."),
                            {"name": "X-Trace", "in": "header", "schema": TEXT},
                            {"name": "Authorization", "in": "header", "schema": TEXT, "required": True},
                        ],
                    },
                }
            }
        )
    )
    assert (converted.name, converted.method, converted.description) == ("getToken", "GET", "Price of a token.")
    assert converted.url == "https://api.example.com/v1/tokens/{{ args.token_id }}"
    assert converted.query == {"days": "{{ args.days }}"}
    assert converted.headers == {
        "X-Trace": "{{ args.X_Trace }}",
        "Authorization": "{{ secrets.API_EXAMPLE_COM__AUTHORIZATION }}",
    }
    assert converted.parameters["required"] == ["token_id"]
    assert converted.parameters["properties"]["days"] == {"type": "number", "description": "The operation's own."}


@pytest.mark.parametrize(
    ("parameter", "sent", "argument"),
    [
        (query("tags", TEXTS), {"tags": "{{ args.tags }}"}, {"tags": TEXTS}),
        (query("tags", TEXTS, explode=False), {"tags": "{{ args.tags }}"}, "Several values, separated by commas."),
        (query("tags", TEXTS, style="pipeDelimited"), {"tags": "{{ args.tags }}"}, "separated by vertical bars"),
        (
            query("created", RANGE, style="deepObject", required=True),
            {"created[gte]": "{{ args.created_gte }}", "created[lt]": "{{ args.created_lt }}"},
            {"created_gte": {"type": "integer"}, "created_lt": {"type": "integer"}},
        ),
        (query("tags", TEXTS, style="deepObject"), {"tags[]": "{{ args.tags }}"}, {"tags": TEXTS}),
        (
            query("page", RANGE),
            {"gte": "{{ args.gte }}", "lt": "{{ args.lt }}"},
            {"gte": {"type": "integer"}, "lt": {"type": "integer"}},
        ),
        (
            {"name": "filter", "in": "query", "content": {"application/json": {"schema": RANGE}}},
            {"filter": "{{ args.filter }}"},
            "JSON text. Fields: gte, lt.",
        ),
        (
            query("created", {"anyOf": [RANGE, {"type": "integer"}]}),
            {"created": "{{ args.created }}"},
            {"created": {"type": "integer"}},
        ),
    ],
)
def test_styles_of_parameters(parameter: dict[str, Any], sent: dict[str, str], argument: Any) -> None:
    converted = tool(one({"parameters": [parameter]}))
    assert converted.query == sent
    properties = converted.parameters["properties"]
    if isinstance(argument, str):
        (only,) = properties.values()
        assert argument in only["description"]
        assert only["type"] == "string"
    else:
        assert properties == argument


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (query("f", {"type": "object"}), "object without declared fields"),
        (query("f", RANGE, style="weird"), "the style weird"),
        (query("f", {"type": "array", "items": RANGE}), "list of objects"),
        ({"name": "f", "in": "cookie", "schema": TEXT}, "cookies are not sent"),
        (query("{{ secrets.KEY }}", TEXT), "double braces"),
    ],
)
def test_a_parameter_that_cannot_be_sent_is_named_or_refuses_the_operation(
    parameter: dict[str, Any], words: str
) -> None:
    (converted,), refusals = imported(one({"parameters": [parameter]}))
    assert refusals == []
    assert words in converted.notes[0]
    assert converted.definition.parameters["properties"] == {}
    assert words in refusal(one({"parameters": [{**parameter, "required": True}]}))


def test_the_fields_of_a_json_body_become_arguments() -> None:
    schema = {
        "type": "object",
        "required": ["name", "id"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "name": TEXT,
            "x": {"type": "array", "items": {"type": "object", "properties": {"a-b": TEXT}}},
        },
    }
    path = [{"name": "name", "in": "path", "required": True, "schema": TEXT}]
    converted = tool(one({**body(schema), "parameters": path}, method="post", path="/x/{name}"))
    assert converted.body == {"name": "{{ args.name_2 }}", "x": "{{ args.x }}"}
    assert (converted.body_type, converted.retries) == ("json", 0)
    assert converted.parameters["required"] == ["name", "name_2"]
    assert converted.parameters["properties"]["x"] == schema["properties"]["x"]  # type: ignore[index]


def test_a_body_that_cannot_be_split_is_one_argument() -> None:
    choice = {"oneOf": [RANGE, {"type": "array", "items": TEXT}]}
    converted = tool(one(body(choice), method="put"))
    assert converted.body == "{{ args.body }}"
    assert converted.parameters["properties"]["body"] == choice
    free = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": TEXT}
    assert tool(one(body(free), method="put")).body == "{{ args.body }}"


def test_forms_and_other_types_of_body() -> None:
    fields = {"type": "object", "properties": {"card": RANGE, "tags": TEXTS, "meta": RANGE}, "required": ["tags"]}
    encoding = {"card": {"style": "deepObject", "explode": True}}
    form = tool(one(body(fields, "application/x-www-form-urlencoded", encoding=encoding), method="post"))
    assert form.body_type == "form"
    assert form.body == {
        "tags": "{{ args.tags }}",
        "card[gte]": "{{ args.card_gte }}",
        "card[lt]": "{{ args.card_lt }}",
        "meta": "{{ args.meta }}",
    }
    assert form.parameters["properties"]["meta"]["description"].startswith("JSON text.")
    assert form.parameters["required"] == ["tags"]
    merge = tool(one(body(RANGE, "application/merge-patch+json"), method="patch"))
    assert merge.headers == {"Content-Type": "application/merge-patch+json"}
    assert tool(one(body(TEXT, "text/markdown"), method="post")).body == "{{ args.body }}"
    assert "multipart/form-data" in refusal(one(body(RANGE, "multipart/form-data"), method="post"))


def test_schemas_of_3_0_are_converted_to_2020_12() -> None:
    old = {
        "type": "integer",
        "nullable": True,
        "minimum": 0,
        "exclusiveMinimum": True,
        "enum": [1, 2],
        "example": 1,
        "xml": {},
        "x-own": 1,
    }
    converted = tool(one(body({"type": "object", "properties": {"n": old}}), method="post", version="3.0.3"))
    assert converted.parameters["properties"]["n"] == {
        "type": ["integer", "null"],
        "exclusiveMinimum": 0,
        "enum": [1, 2, None],
    }


def test_all_of_is_merged_and_any_of_kept() -> None:
    base = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": 9}}}
    more = {"required": ["b"], "properties": {"a": {"maxLength": 5}, "b": {"anyOf": [TEXT, {"type": "integer"}]}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Base"}, more], "description": "Both."}
    converted = tool(one(body(schema), method="post", components={"schemas": {"Base": base}}))
    assert converted.parameters["required"] == ["a", "b"]
    assert converted.parameters["properties"] == {
        "a": {"type": "string", "maxLength": 5},
        "b": {"anyOf": [TEXT, {"type": "integer"}]},
    }


def test_cycles_are_cut_and_large_schemas_pruned() -> None:
    node = {"type": "object", "properties": {"value": TEXT, "children": {"type": "array", "items": {"$ref": "#/N"}}}}
    converted = tool(one(body({"$ref": "#/N"}), method="post", N=node))
    item = converted.parameters["properties"]["children"]["items"]
    assert item["description"] == "The same object, nested. Fields: value, children."

    def level(depth: int) -> dict[str, Any]:
        inner = level(depth - 1) if depth else {"type": "string", "description": "words " * 50}
        return {"type": "object", "properties": {f"field_{depth}_{n}": inner for n in range(4)}}

    (large,), _ = imported(one(body(level(6)), method="post"))
    assert "less detail" in large.notes[0]
    assert len(str(large.definition.parameters)) < MAX_SCHEMA_BYTES * 1.5
    assert find_problems(large.definition) == []


def test_patterns_that_we_cannot_match_are_left_to_the_api() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "(?=x)y"}, "b": {"pattern": "^[a-z]$"}},
    }
    converted = tool(one(body(schema), method="post"))
    assert converted.parameters["properties"] == {"a": {"type": "string"}, "b": {"pattern": "^[a-z]$"}}


@pytest.mark.parametrize(
    ("scheme", "headers", "sent_query", "words"),
    [
        ({"type": "http", "scheme": "bearer"}, {"Authorization": "Bearer {{ secrets.S }}"}, {}, "the token"),
        ({"type": "http", "scheme": "Basic"}, {"Authorization": "Basic {{ secrets.S }}"}, {}, "Base64"),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"X-Key": "{{ secrets.S }}"}, {}, "sent as X-Key"),
        ({"type": "apiKey", "in": "query", "name": "key"}, {}, {"key": "{{ secrets.S }}"}, "sent as key"),
        ({"type": "oauth2", "flows": {}}, {"Authorization": "Bearer {{ secrets.S }}"}, {}, "not renewed"),
    ],
)
def test_security_names_a_secret_after_the_host(
    scheme: dict[str, Any], headers: dict[str, str], sent_query: dict[str, str], words: str
) -> None:
    secret = "API_EXAMPLE_COM__API_KEY_AUTH"
    declared = query("key", TEXT, required=True) if sent_query else query("other", TEXT)
    of = one(
        {"security": [{"apiKeyAuth": []}], "parameters": [declared]},
        components={"securitySchemes": {"apiKeyAuth": scheme}},
    )
    (converted,), _ = imported(of)
    assert converted.definition.headers == {
        name: text.replace("S }}", f"{secret} }}}}") for name, text in headers.items()
    }
    expected = {name: text.replace("S }}", f"{secret} }}}}") for name, text in sent_query.items()}
    assert {name: converted.definition.query.get(name) for name in expected} == expected
    assert "key" not in converted.definition.parameters["properties"]
    assert words in converted.secrets[secret]


def test_unsupported_authentication_is_skipped_or_refused() -> None:
    schemes = {"tls": {"type": "mutualTLS"}, "token": {"type": "http", "scheme": "bearer"}}
    both = one({"security": [{"tls": []}, {"token": []}]}, components={"securitySchemes": schemes})
    assert "Authorization" in tool(both).headers
    only = one({"security": [{"tls": []}]}, components={"securitySchemes": schemes})
    assert "its authentication is not supported" in refusal(only)
    assert tool(one({"security": []}, security=[{"tls": []}])).headers == {}


def test_servers_with_variables_relative_and_chosen() -> None:
    variables = {"region": {"default": "eu"}}
    of = one({}, servers=[{"url": "https://{region}.example.com/", "variables": variables}])
    assert tool(of).url == "https://eu.example.com/x"
    relative = one({}, servers=[{"url": "/v2"}], url="https://host.example/docs/openapi.json")
    assert tool(relative).url == "https://host.example/v2/x"
    nowhere = one({}, servers=[{"url": "/v2"}])
    assert "enter its address" in refusal(nowhere)
    (chosen,), _ = imported(nowhere, server="http://127.0.0.1:9000/api/")
    assert chosen.definition.url == "http://127.0.0.1:9000/api/x"


@pytest.mark.parametrize(
    "server", ["https://u:p@example.com", "ftp://example.com", "https://example.com/{{ secrets.K }}"]
)
def test_operations_with_unusable_servers_are_refused(server: str) -> None:
    assert refusal(one({}, servers=[{"url": server}]))


def test_a_document_cannot_contain_our_placeholders() -> None:
    hidden = "{{ secrets.OTHER }}"
    assert "double braces" in refusal(one({}, path=f"/{hidden}"))
    schema = {"type": "object", "properties": {hidden: TEXT}, "required": [hidden]}
    assert "double braces" in refusal(one(body(schema), method="post"))
    described = tool(one({"summary": f"Use {hidden}", "parameters": [query("a", {**TEXT, "default": hidden})]}))
    assert described.query == {"a": "{{ args.a }}"}


def test_names_are_valid_unique_and_the_same_whatever_is_chosen() -> None:
    paths = {
        "/a": {"get": {"operationId": "pets/list all!"}, "post": {}},
        "/b": {"get": {"operationId": "pets list all"}, "put": {"operationId": "x" * 100}},
    }
    operations, _ = read_operations(document(paths), "px_")
    names = [operation.tool_name for operation in operations]
    assert names[:3] == ["px_pets_list_all", "px_post_a", "px_pets_list_all_2"]
    assert len(names[3]) == 64
    assert [operation.key for operation in operations][:2] == ["pets/list all!", "POST /a"]


def test_thousands_of_operations_may_have_one_id() -> None:
    operations, _ = read_operations(document({f"/{number}": {"get": {"operationId": "o"}} for number in range(20_000)}))
    names = [operation.tool_name for operation in operations]
    assert names[:3] + names[-1:] == ["o", "o_2", "o_3", "o_20000"]
    assert len(set(names)) == 20_000
    long = [f"{'x' * 59}{number}" for number in range(10_000, 15_000)]
    doubled = {f"/{folder}/{name}": {"get": {"operationId": name}} for name in long for folder in "ab"}
    operations, _ = read_operations(document(doubled))
    assert len({operation.tool_name.lower() for operation in operations}) == 10_000


def test_more_operations_than_any_api_has_are_refused() -> None:
    with pytest.raises(DocumentError, match="more than 20000 operations"):
        read_operations(document({f"/{number}": {"get": {}} for number in range(20_001)}))


def test_a_servers_address_is_bounded_before_it_is_filled_in() -> None:
    variables = {"a": {"default": "x" * 1_000}}
    for url in ("https://a.example/" + "{a}" * 50_000, "https://a.example/{a}{a}{a}"):
        assert "longer than" in refusal(one({}, servers=[{"url": url, "variables": variables}]))


def test_too_many_credentials_are_refused() -> None:
    schemes = {f"s{number}": {"type": "apiKey", "in": "header", "name": f"X-{number}"} for number in range(20_000)}
    parsed = one({"security": [{name: [] for name in schemes}]}, components={"securitySchemes": schemes})
    assert "up to 50" in refusal(parsed)


def test_descriptions_are_bounded_and_hide_nothing() -> None:
    text = "Price\u202e of\u200b a\x07 token.\n\n" + "More words. " * 500
    converted = tool(one({"description": text}))
    assert converted.description.startswith("Price of a token. More words.")
    assert len(converted.description) <= 1000
    assert converted.description.endswith("….")


def test_methods_that_no_tool_sends_are_named() -> None:
    assert refusal(one({}, method="trace")) == "a tool does not send TRACE"
    _, refusals = imported(document({"/broken": {"$ref": "other.yaml"}}))
    assert "another document" in refusals[0].reason


def test_no_document_can_ask_for_the_secret_of_another_host() -> None:
    """Not even if host and scheme are chosen so that their joined names are equal."""
    hosts = {
        "shop.com.au": "key",
        "shop.com": "au_key",
        "shop-com.au": "key",
        "shop.com-au.net": "key",
        "s" * 70 + ".com": "key",
    }
    hosts |= {"s" * 70 + ".net": "key"}
    names: set[str] = set()
    for host, scheme in hosts.items():
        of = one(
            {"security": [{scheme: []}]},
            servers=[{"url": f"https://{host}"}],
            components={"securitySchemes": {scheme: {"type": "http", "scheme": "bearer"}}},
        )
        (converted,), _ = imported(of)
        names |= converted.secrets.keys()
    assert len(names) == len(hosts)
    assert all(len(name) <= 64 for name in names)


CREDENTIALS = [
    "Authorization",
    "X-Api-Key",
    "apikey",
    "X-Auth-Token",
    "PRIVATE-TOKEN",
    "Ocp-Apim-Subscription-Key",
    "Cookie",
]
NO_CREDENTIALS = ["x-ms-continuation-token", "X-CSRF-Token", "Idempotency-Key", "X-Request-Id", "If-Match", "X-Author"]


def _with_headers(*parameters: dict[str, Any], **more: Any) -> Any:
    return document({"/orders": {"get": {"operationId": "orders", "parameters": list(parameters)}}}, **more)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_header_that_is_a_credential_is_not_an_argument(name: str) -> None:
    header = {"name": name, "in": "header", "schema": TEXT}
    (required,) = imported(_with_headers({**header, "required": True}))[0]
    (secret,) = required.secrets
    assert secret.startswith("API_EXAMPLE_COM__")
    assert required.definition.headers == {name: f"{{{{ secrets.{secret} }}}}"}
    assert required.definition.parameters["properties"] == {}
    (optional,) = imported(_with_headers(header))[0]
    assert (optional.definition.headers, optional.secrets) == ({}, {})
    assert optional.definition.parameters["properties"] == {}
    assert f"a model must not get credentials: {name}" in " ".join(optional.notes)


@pytest.mark.parametrize("name", NO_CREDENTIALS)
def test_other_headers_stay_arguments(name: str) -> None:
    converted = tool(_with_headers({"name": name, "in": "header", "schema": TEXT, "required": True}))
    assert list(converted.headers) == [name]
    assert len(converted.parameters["properties"]) == 1


def test_a_security_scheme_counts_more_than_a_header_parameter() -> None:
    schemes = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    header = {"name": "authorization", "in": "header", "schema": TEXT, "required": True}
    converted = tool(_with_headers(header, security=[{"token": []}], components=schemes))
    assert converted.headers == {"Authorization": "Bearer {{ secrets.API_EXAMPLE_COM__TOKEN }}"}
