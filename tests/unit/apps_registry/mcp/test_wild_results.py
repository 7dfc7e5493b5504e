"""Property tests of MCP responses: whatever a server sends, the model reads storable text."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps_registry.mcp.errors import McpError
from apps_registry.mcp.messages import error_of, is_answer
from apps_registry.mcp.result import read_result
from tests.made_examples import examples

sometimes = settings(max_examples=examples(300), deadline=None, derandomize=True)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10))
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
)
kinds = st.sampled_from(["text", "image", "audio", "resource", "resource_link", "odd"])
names = st.sampled_from(["type", "text", "data", "mimeType", "resource", "uri", "name", "blob"])
parts = st.one_of(values, st.dictionaries(names, st.one_of(kinds, values), max_size=5))
members = {"content": st.one_of(values, st.lists(parts, max_size=4)), "structuredContent": values, "isError": values}
results = st.fixed_dictionaries({}, optional={**members, "resultType": st.sampled_from(["complete", "input_required"])})


@sometimes
@given(result=results)
def test_any_result_is_text_that_can_be_stored(result: dict[str, Any]) -> None:
    try:
        text, _ = read_result(json.loads(json.dumps(result)))
    except McpError:
        return
    assert "\x00" not in text
    text.encode()


@sometimes
@given(message=values)
def test_any_message_is_an_answer_an_error_or_neither(message: Any) -> None:
    assert isinstance(is_answer(message, 1), bool)
    if isinstance(message, dict):
        error = error_of(message)
        assert error is None or isinstance(error[0], str)
