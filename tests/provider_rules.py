"""A real HTTP server on loopback that is as strict as the providers: it refuses the same requests with the same errors.

`apps_registry/provider_rules/profiles.py` names the sources of these rules and errors. This code is
independent of the product's profiles, so that neither hides an error in the other.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.model_server import DONE, Reply, calls, says, sse
from tests.upstream import Handler, Received, Upstream

Body = dict[str, Any]
Refusal = tuple[int, Any]
USUAL = {"model", "messages", "stream", "tools", "tool_choice", "temperature", "top_p", "stop", "seed"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def _limit(body: Body) -> int:
    """Return the maximum tokens of the response, under either name."""
    return int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)


def _openai_error(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    return 400, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def _openai(body: Body) -> Iterator[Refusal]:
    """A reasoning model: https://platform.openai.com/docs/guides/reasoning."""
    if "max_tokens" in body:
        words = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        yield _openai_error(f"Unsupported parameter: {words}", "max_tokens", "unsupported_parameter")
    for name in ("temperature", "top_p"):
        if name in body and body[name] != 1:
            words = f"'{name}' does not support {body[name]} with this model. Only the default (1) value is supported."
            yield _openai_error(f"Unsupported value: {words}", name, "unsupported_value")
    for name in sorted(body.keys() - USUAL - {"max_tokens", "max_completion_tokens", "stream_options"}):
        yield _openai_error(f"Unrecognized request argument supplied: {name}")
    for index, function in _functions(body):
        unsupported = {"oneOf", "anyOf", "allOf", "enum", "not"} & function["parameters"].keys()
        words = f"Invalid schema for function '{function['name']}': "
        param = f"tools[{index}].function.parameters"
        if unsupported or function["parameters"].get("type") != "object":
            words += (
                "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
            )
            yield _openai_error(words, param, "invalid_function_parameters")
        if any(node.get("type") == "array" and "items" not in node for node in _nodes(function["parameters"])):
            words += "In context=('properties', 'list'), array schema missing items."
            yield _openai_error(words, param, "invalid_function_parameters")


def _small_openai(body: Body) -> Iterator[Refusal]:
    """An older model, which writes at most 4,096 tokens."""
    sent = _limit(body)
    if sent > 4096:
        words = f"This model supports at most 4096 completion tokens, whereas you provided {sent}."
        yield _openai_error(f"max_tokens is too large: {sent}. {words}", "max_tokens", "invalid_value")


def _anthropic(body: Body) -> Iterator[Refusal]:
    def refusal(message: str) -> Refusal:
        return 400, {"type": "error", "error": {"type": "invalid_request_error", "message": message}}

    limit = _limit(body)
    if limit > 8192:
        model = "claude-3-5-haiku-20241022"
        yield refusal(f"max_tokens: {limit} > 8192, which is the maximum allowed number of output tokens for {model}")
    for index, function in _functions(body):
        if {"oneOf", "anyOf", "allOf"} & function["parameters"].keys():
            words = "input_schema does not support oneOf, allOf, or anyOf at the top level"
            yield refusal(f"tools.{index}.custom.input_schema: {words}")


_GEMINI = {
    *("type", "format", "title", "description", "nullable", "enum", "default", "example", "properties", "required"),
    *("items", "anyOf", "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum"),
    *("minProperties", "maxProperties", "propertyOrdering"),
}


def _gemini(body: Body) -> Iterator[Refusal]:
    def refusal(message: str) -> Refusal:
        return 400, [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]

    for index, function in _functions(body):
        at = f"tools[0].function_declarations[{index}]"
        if not re.match(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}\Z", function["name"]):
            words = "Invalid function name. Must start with a letter or an underscore. Must be alphameric"
            yield refusal(f"* GenerateContentRequest.{at}.name: {words}")
        for node in _nodes(function["parameters"]):
            for name in sorted(node.keys() - _GEMINI):
                yield refusal(
                    f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}.parameters': Cannot find field."
                )
            if node.get("type") == "string" and node.get("format", "enum") not in {"enum", "date-time"}:
                words = "only 'enum' and 'date-time' are supported for STRING type"
                yield refusal(f"* GenerateContentRequest.{at}.parameters.properties[a].format: {words}")
            if node.get("type") == "array" and "items" not in node:
                yield refusal(f"* GenerateContentRequest.{at}.parameters.properties[list].items: missing field.")


def _mistral(body: Body) -> Iterator[Refusal]:
    def refusal(*loc: object) -> Refusal:
        detail = [
            {"type": "extra_forbidden", "loc": ["body", *loc], "msg": "Extra inputs are not permitted", "input": 1}
        ]
        return 422, {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "param": None}

    if "stream_options" in body:
        yield refusal("stream_options", "include_usage")
    for name in sorted(body.keys() - USUAL - {"max_tokens", "random_seed", "stream_options"}):
        yield refusal(name)


def _deepseek(body: Body) -> Iterator[Refusal]:
    if not 1 <= body.get("max_tokens", 1) <= 8192:
        yield _openai_error(
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", None, "invalid_request_error"
        )


def _groq(body: Body) -> Iterator[Refusal]:
    for name in ("logprobs", "logit_bias", "top_logprobs"):
        if name in body:
            yield 400, {"error": {"message": f"property '{name}' is unsupported", "type": "invalid_request_error"}}
    name = "max_completion_tokens"
    if body.get(name, 0) > 8192:
        words = f"the maximum value for `{name}` is less than the `context_window` for this model"
        yield _openai_error(f"`{name}` must be less than or equal to `8192`, {words}", name)


def _openrouter(body: Body) -> Iterator[Refusal]:
    if body.get("tools"):
        words = "No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs"
        yield 404, {"error": {"message": words, "code": 404}}


def _ollama(body: Body) -> Iterator[Refusal]:
    if body.get("tools"):
        words = "registry.ollama.ai/library/gemma3:4b does not support tools"
        yield 400, {"error": {"message": words, "type": "api_error", "param": None, "code": None}}


def _vllm(body: Body) -> Iterator[Refusal]:
    if body.get("tools"):
        words = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        yield 400, {"object": "error", "message": words, "type": "BadRequestError", "param": None, "code": 400}
    requested, has = body.get("max_tokens", 16), len(orjson.dumps(body["messages"])) // 2
    if requested + has > 4096:
        words = (
            f"However, you requested {requested + has} tokens ({has} in the messages, {requested} in the completion)."
        )
        words = f"This model's maximum context length is 4096 tokens. {words} Please reduce the length of the messages."
        yield 400, {"object": "error", "message": words, "type": "BadRequestError", "param": None, "code": 400}


def _llamacpp(body: Body) -> Iterator[Refusal]:
    for _, function in _functions(body):
        for node in _nodes(function["parameters"]):
            pattern = node.get("pattern", "^$")
            if not (pattern.startswith("^") and pattern.endswith("$")):
                words = "JSON schema conversion failed:\nPattern must start with '^' and end with '$'"
                yield 400, {"error": {"code": 400, "message": words, "type": "invalid_request_error"}}


def _lmstudio(body: Body) -> Iterator[Refusal]:
    for name in sorted(body.keys() - USUAL - {"max_tokens", "stream_options"}):
        yield 400, {"error": f"Unrecognized key(s) in object: '{name}'"}


RULES: dict[str, Callable[[Body], Iterator[Refusal]]] = {
    "openai": _openai,
    "azure": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "mistral": _mistral,
    "deepseek": _deepseek,
    "groq": _groq,
    "openrouter": _openrouter,
    "ollama": _ollama,
    "vllm": _vllm,
    "llamacpp": _llamacpp,
    "lmstudio": _lmstudio,
    "small": _small_openai,
}


@dataclass
class StrictProviders:
    """The server: at /openai/v1 it is as strict as OpenAI, and similarly for the others.

    Attributes:
        taken: the accepted requests by model id, each with its headers.
        refused: the refused requests by model id.
    """

    taken: dict[str, list[Body]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._upstream = Upstream(self._answer)

    def base_url(self, kind: str) -> str:
        return f"{self._upstream.url}/{kind}/v1"

    def stop(self) -> None:
        self._upstream.stop()

    def _answer(self, handler: Handler, request: Received) -> None:
        body: Body = orjson.loads(request.body)
        kind, model = request.path.split("/")[1], body["model"]
        if kind == "azure" and not any(name.lower() == "api-key" for name in request.headers):
            handler.reply({"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}, 401)
            return
        for status, error in RULES[kind](body):
            self.refused[model].append(error)
            handler.reply(error, status)
            return
        assert all(NAME.match(function["name"]) for _, function in _functions(body))
        self.taken[model].append({**body, "headers": request.headers})
        handler.reply(
            b"".join(part for part in _reply(body).parts if isinstance(part, bytes)), Content_Type="text/event-stream"
        )


def _reply(body: Body) -> Reply:
    """Call the first tool once, then report its result."""
    functions = [function["name"] for _, function in _functions(body)]
    if functions and body["messages"][-1]["role"] == "user" and body.get("tool_choice") != "none":
        usage = {"prompt_tokens": 9, "completion_tokens": 4}
        return Reply([*calls((functions[0], {})).parts[:-1], sse({"choices": [], "usage": usage}), DONE])

    return says("Done", ".")


def _functions(body: Body) -> list[tuple[int, dict[str, Any]]]:
    return [(index, tool["function"]) for index, tool in enumerate(body.get("tools", ()))]


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all its subschemas."""
    yield schema
    for name, value in schema.items():
        if name in {"properties", "$defs"}:
            for inner in value.values():
                yield from _nodes(inner)
        elif name == "items" and isinstance(value, dict):
            yield from _nodes(value)
        elif name in {"anyOf", "oneOf", "allOf"}:
            for inner in value:
                yield from _nodes(inner)
