"""Refusals as providers word them, and how the request is changed."""

from typing import Any

import orjson
import pytest

from apps_registry.provider_rules.request_rules import RequestRules
from chat.providers.mending import find_remedy

TOOLS = ("get_price", "send", "search")
BODY = {"model": "m", "messages": [], "stream": True, "max_tokens": 16_384, "temperature": 0.5, "stream_options": {},
        "verbosity": "low", "reasoning_effort": "low", "user": "u", "tools": []}  # fmt: skip


def openai(message: str, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}


def renamed(to: str) -> RequestRules:
    return RequestRules(rename={"max_tokens": to})


def omitted(name: str) -> RequestRules:
    return RequestRules(omit=frozenset({name}))


def at_most(limit: int) -> RequestRules:
    return RequestRules(max_output_tokens=limit)


def pydantic(*loc: object, message: str = "Extra inputs are not permitted") -> dict[str, Any]:
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", *loc], "msg": message, "input": "get_price"}]}


LASTING: dict[str, tuple[Any, RequestRules]] = {
    "OpenAI, another name": (
        openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
               "instead.", "max_tokens"),
        renamed("max_completion_tokens"),
    ),
    "a proxy of OpenAI, without a param": (
        {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                              "'max_completion_tokens' instead.", "code": "invalid_request_body"}},
        renamed("max_completion_tokens"),
    ),
    "OpenAI, a value that is the only one": (
        openai("Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is "
               "supported.", "temperature"),
        omitted("temperature"),
    ),
    "OpenAI, an unknown argument": (openai("Unrecognized request argument supplied: verbosity"), omitted("verbosity")),
    "Mistral": ({"object": "error", "message": pydantic("stream_options", "include_usage")}, omitted("stream_options")),
    "FastAPI": (pydantic("reasoning_effort"), omitted("reasoning_effort")),
    "an error within a string": (
        {"object": "error", "message": orjson.dumps(pydantic("stream_options")).decode()}, omitted("stream_options"),
    ),
    "LM Studio": ({"error": "Unrecognized key(s) in object: 'stream_options'"}, omitted("stream_options")),
    "OpenAI, a limit": (
        openai("max_tokens is too large: 16384. This model supports at most 4096 completion tokens, whereas you "
               "provided 16384.", "max_tokens"),
        at_most(4096),
    ),
    "DeepSeek, a limit": (
        openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), at_most(8192),
    ),
    "Anthropic, a limit": (
        {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: 16384 > 8192, which is "
         "the maximum allowed number of output tokens for claude-3-5-haiku-20241022"}},
        at_most(8192),
    ),
    "Groq, a limit": (
        openai("max_tokens for `llama-3.1-8b-instant` must be less than or equal to 8000"), at_most(8000),
    ),
    "Volcano, a limit": (
        {"error": {"code": "InvalidParameter", "message": "The parameter `max_tokens` specified in the request are not "
         "valid: integer above maximum value, expected a value <= 12288, but got 16384.", "param": "max_tokens"}},
        at_most(12288),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("error", "rules"), LASTING.values(), ids=LASTING)
@pytest.mark.parametrize("status", [400, 422])
def test_a_rule_is_read_from_the_words_of_a_refusal(status: int, error: Any, rules: RequestRules) -> None:
    remedy = find_remedy(status, orjson.dumps(error), BODY, TOOLS)
    assert remedy is not None
    assert (remedy.rules, remedy.tools) == (rules, ())


LEFT_OUT: dict[str, tuple[Any, tuple[str, ...]]] = {
    "OpenAI": (
        openai("Invalid schema for function 'send': schema must have type 'object' and not have 'oneOf'",
               "tools[1].function.parameters"),
        ("send",),
    ),
    "OpenAI, by name": (openai("Invalid schema for function 'search': array schema missing items."), ("search",)),
    "Anthropic": ({"error": {"message": "tools.2.custom.input_schema: does not support oneOf"}}, ("search",)),
    "Gemini": (
        [{"error": {"code": 400, "message": "* GenerateContentRequest.tools[0].function_declarations[1].name: Invalid "
          "function name.\n* GenerateContentRequest.tools[0].function_declarations[2].name: Invalid function name."}}],
        ("send", "search"),
    ),
    "pydantic": (pydantic("tools", 0, "function", "strict"), ("get_price",)),
    "Mistral without tools": (pydantic("tools"), TOOLS),
    "Ollama": (openai("registry.ollama.ai/library/llama3:8b does not support tools"), TOOLS),
    "vLLM": (openai('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'), TOOLS),
}  # fmt: skip


@pytest.mark.parametrize(("error", "names"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_tool_is_found_by_its_place_or_name(error: Any, names: tuple[str, ...]) -> None:
    remedy = find_remedy(400, orjson.dumps(error), BODY, TOOLS)
    assert remedy is not None
    assert (remedy.tools, remedy.rules, remedy.changes) == (names, None, None)


def test_tools_are_left_out_where_a_server_has_none() -> None:
    for status, words in (
        (404, "No endpoints found that support tool use."),
        (500, "tools param requires --jinja flag"),
    ):
        remedy = find_remedy(status, orjson.dumps({"error": {"message": words, "code": status}}), BODY, TOOLS)
        assert remedy is not None
        assert remedy.tools == TOOLS


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 17384 tokens (1000 in the "
        "messages, 16384 in the completion). Please reduce the length of the messages or completion.",
        "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length is 4096 "
        "tokens and your request has 1000 input tokens (16384 > 4096 - 1000).",
    ],
)
def test_the_space_left_in_the_window_applies_to_the_turn_only(words: str) -> None:
    remedy = find_remedy(400, orjson.dumps(openai(words)), BODY, TOOLS)
    assert remedy is not None
    assert (remedy.rules, remedy.changes) == (None, at_most(3096))


def test_a_value_out_of_range_is_not_remembered() -> None:
    error = openai("Invalid 'temperature': decimal below minimum value. Expected a value >= 0.6", "temperature")
    remedy = find_remedy(400, orjson.dumps(error), BODY, TOOLS)
    assert remedy is not None
    assert (remedy.rules, remedy.changes) == (None, omitted("temperature"))


NOTHING_TO_MEND: dict[str, tuple[int, Any]] = {
    "a bad message": (400, openai("Invalid value for 'content': expected a string, got null.", "messages.[1].content")),
    "no alternation": (400, openai("Conversation roles must alternate user/assistant/user/assistant/...")),
    "a prompt that is too long": (400, openai("This model's maximum context length is 8192 tokens. However, your "
                                              "messages resulted in 9000 tokens.", "messages")),
    "no such model": (404, openai("The model `x` does not exist or you do not have access to it.", "model")),
    "a key": (401, openai("Incorrect API key provided", None)),
    "a limit of requests": (429, openai("Rate limit reached for max_tokens 8192 of user")),
    "moderation": (400, openai("Invalid prompt: your prompt was flagged; the user should change it.")),
    "no JSON": (400, "<html>Bad Request</html>"),
    "a number": (400, 7),
    "deep": (400, {"error": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "max_tokens unsupported"}}}}}}}}}),
}  # fmt: skip


@pytest.mark.parametrize(("status", "error"), NOTHING_TO_MEND.values(), ids=NOTHING_TO_MEND)
def test_a_refusal_that_names_nothing_stays_a_failure(status: int, error: Any) -> None:
    assert find_remedy(status, orjson.dumps(error), BODY, TOOLS) is None
    assert find_remedy(status, b"\xff\x00{oops", BODY, TOOLS) is None


def test_no_text_of_the_provider_is_passed_on() -> None:
    for error, _ in (*LASTING.values(), *LEFT_OUT.values()):
        secret = orjson.dumps([error, {"message": "SECRET-PROVIDER-TEXT"}])
        remedy = find_remedy(400, secret, BODY, TOOLS)
        assert remedy is not None
        assert "SECRET" not in repr(remedy)
