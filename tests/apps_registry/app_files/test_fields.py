"""The fields of App files: errors name the wrong field in our own words, and a JSON Schema helps editors."""

import copy
from collections.abc import Iterator
from io import StringIO
from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml
from django.core.management import call_command

from apps_registry.app_files.derived import column_names
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.reading import read_data
from apps_registry.app_files.settings import setting_fields
from apps_registry.models import EmbeddingModel, Model
from tests.root import ROOT

PARAMETERS = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
FULL: dict[str, Any] = {
    "app_file": 1,
    "slug": "full",
    "name": "Full",
    "description": "Has everything.",
    "temperature": 1,
    "max_reply_tokens": 5,
    "makes_titles": False,
    "document_language": "german",
    "allowed_hosts": ["127.0.0.1:9000"],
    "default_model": "m",
    "alternative_models": ["n"],
    "builtin_tools": ["calculate"],
    "http_tools": [
        {
            "name": "get",
            "needs_confirmation": True,
            "description": "Gets it.",
            "parameters": PARAMETERS,
            "method": "POST",
            "url": "https://api.example.com/{{ args.id }}",
            "query": {"a": "b"},
            "body": {"a": [1, None]},
            "body_type": "json",
            "result_headers": ["Link"],
            "timeout_seconds": 5,
            "needs_wallet": "any",
        }
    ],
    "mcp_servers": [
        {
            "prefix": "files",
            "url": "https://mcp.example.com/mcp",
            "headers": {"X": "y"},
            "timeout_seconds": 1.5,
            "tools": [{"name": "files_read", "remote_name": "read", "description": "", "parameters": PARAMETERS}],
        }
    ],
    "documents": [{"name": "a.md", "tags": ["a"], "text": "x"}, {"name": "b.md", "sha256": "0" * 64}],
    "secrets": ["TOKEN"],
    "providers": [{"slug": "p", "base_url": "https://api.example.com/v1", "profile": "openai"}],
    "models": [{"name": "m", "provider": "p", "prompt_price": "0.15", "completion_price": 2, "request_options": {}}],
    "embedding_models": [{"name": "e", "provider": "p", "dimensions": 3}],
}
VALUES: list[Any] = [None, True, 5, -1, 1.5, "x", "", [], {}, ["x"], [5], {"x": 1}]


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value that the reader checks; values within schemas and bodies are free."""
    yield path
    if path and path[-1] in {"parameters", "body", "request_options"}:
        return
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield from paths(data[key], (*path, key))


def changed(path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    data = copy.deepcopy(FULL)
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return data


CHANGED = [(path, changed(path, value)) for path in paths(FULL) for value in VALUES]
UNKNOWN = [
    (path, changed((*path, "colour"), "red")) for path in [(), ("http_tools", 0), ("documents", 0), ("models", 0)]
]


def mistake(data: Any) -> str:
    try:
        read_data(data)
    except AppFileError as error:
        return str(error)
    return ""


def test_every_mistake_is_reported_in_our_own_words() -> None:
    assert mistake(FULL) == ""
    sentences = {mistake(data) for _, data in [*CHANGED, *UNKNOWN]} - {""}
    assert len(sentences) > 100
    foreign = ("Input", "input", "Decimal", "should be", "dictionary", "instance", "NoneType")
    assert [words for words in sentences if any(word in words for word in foreign) or not words.endswith(".")] == []
    assert mistake(5) == "The file: this must be a mapping of names to values."


def test_a_message_names_the_field() -> None:
    for path, data in CHANGED:
        words = mistake(data)
        shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
        if words.partition(": ")[2].startswith("this must be") and "name of a file" not in words:
            assert words.startswith(shown or "The file"), words


def test_several_mistakes_are_reported_together() -> None:
    wrong = {**FULL, "name": 5, "colour": 1, "providers": [{"slug": "p"}]}
    words = mistake(wrong)
    for sentence in (
        "name: this must be text.",
        "colour: there is no such field.",
        "providers[0].base_url: this is missing.",
    ):
        assert sentence in words
    many = mistake({**FULL, **{f"x{number}": 1 for number in range(9)}})
    assert (many.count("there is no such field."), many.endswith("There are 4 more mistakes.")) == (5, True)


def test_a_value_is_never_repeated() -> None:
    """It may be a secret in the wrong field."""
    wrong = {**FULL, "api_key": "sk-secret", "secrets": {"TOKEN": "sk-secret"}, "temperature": "sk-secret"}
    assert "sk-secret" not in mistake(wrong)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = StringIO()
    call_command("export_app", "--schema", stdout=out)
    printed: dict[str, Any] = orjson.loads(out.getvalue())
    jsonschema_rs.meta.validate(printed)
    return printed


def test_editors_mark_nothing_that_the_reader_accepts(schema: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(schema)
    assert [str(error) for error in validator.iter_errors(FULL)] == []
    for path, data in CHANGED:
        if path[:1] not in {("providers",), ("models",), ("embedding_models",)}:  # checked when the row is made
            assert mistake(data) or validator.is_valid(data), data


def test_editors_mark_what_the_reader_refuses_by_shape(schema: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(schema)
    for _, data in [*CHANGED, *UNKNOWN]:
        words = mistake(data)
        if ("this must be " in words and "name of a file" not in words) or "no such field" in words:
            assert not validator.is_valid(data), words


def test_the_schema_has_all_fields_with_their_limits(schema: dict[str, Any]) -> None:
    assert set(setting_fields()) < set(schema["properties"])
    assert schema["properties"]["temperature"]["maximum"] == 2
    entries = schema["$defs"]
    assert set(column_names(Model)) < set(entries["ModelEntry"]["properties"])
    assert set(column_names(EmbeddingModel)) < set(entries["EmbeddingModelEntry"]["properties"])
    assert entries["HttpToolEntry"]["properties"]["retries"]["maximum"] == 3
    assert entries["HttpToolEntry"]["properties"]["url"]["description"]


def test_the_example_is_right(schema: dict[str, Any]) -> None:
    example = yaml.safe_load((ROOT / "examples" / "mycoindex" / "mycoindex.yaml").read_text())
    jsonschema_rs.validate(schema, example)
