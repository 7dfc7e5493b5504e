"""Finds out what a provider refuses in a request, and how to change the request so that it is accepted.

Providers name the problem in many forms: a `param`, pydantic's `loc`, or a sentence. Their words stay in this module,
because they may quote the prompt; the notes for people are our own.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apps_registry.provider_rules.request_rules import KEPT_FIELDS, MAX_TOKENS, RequestRules

ERROR_MAX_BYTES = 64 * 1024
# The statuses with which servers without tool support answer.
REFUSALS = frozenset({400, 404, 422, 500, 501})
# The statuses that blame the request itself; only then do we change its fields.
FIELD_REFUSALS = frozenset({400, 422})
LIMIT_FIELDS = (MAX_TOKENS, "max_completion_tokens")
# The model made a tool call that its own server refuses (Groq): the request is fine.
_CALL_FAILED = re.compile(rb'"code"\s*:\s*"tool_use_failed"')
# OpenAI and Azure; Alibaba's DashScope.
_FILTERED = re.compile(
    rb'"code"\s*:\s*"(?:content_filter|content_policy_violation|ResponsibleAIPolicyViolation|data_inspection_failed)"'
)
_MAX_DEPTH = 8
# Fields with words such as invalid_request_error, which are in every refusal, and fields that quote the request.
_NO_SENTENCES = frozenset({"type", "object", "status", "input", "ctx", "url"})
_TOOL_PATHS = (re.compile(r"function_declarations\[(\d+)\]"), re.compile(r"\btools(?:\[|\.)(\d+)\b"))
_NO_TOOLS = re.compile(
    r"does not support (tools|tool use|tool calling|function calling)|tool choice requires|support tool use"
    r"|tools param requires|tools? (are|is) not supported",
    re.IGNORECASE,
)
# llama.cpp does not name the tool whose schema it refuses.
_SCHEMAS = re.compile(r"schema conversion failed|parse grammar", re.IGNORECASE)
_REFUSING = re.compile(
    r"unsupported|not support|unknown|unrecognized|unrecognised|not permitted|not allowed|extra|unexpected"
    r"|additional propert|cannot find field|no such|not a valid|invalid|deprecated|is only available",
    re.IGNORECASE,
)
_VALUE_RANGE = re.compile(
    r"\brange\b|between|less than|greater than|at most|at least|maximum|minimum|<=|>=", re.IGNORECASE
)
_IN_WINDOW = re.compile(
    r"(\d+) (?:tokens )?(?:in|from) the (?:messages|input|prompt)|has (\d+) input tokens", re.IGNORECASE
)
_WINDOW = re.compile(r"(?:context length|context window|context size)\D{0,20}(\d{3,})", re.IGNORECASE)
_PLAIN = r"(?<!\w){}(?!\w)"
# How sentences name a field, the most reliable form first.
_SPELLINGS = (
    r"['\"`]{}['\"`]",
    r"(?:supplied|argument|parameter|field|property|input|key)s?(?: name)?\W{{1,3}}{}(?!\w)",
    _PLAIN,
)
_INSTEAD = re.compile(r"use ['\"`]?([a-z][a-z0-9_]{1,63})['\"`]? instead", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of the request.

    Attributes:
        code: a word for operators: field_omitted, field_renamed, limit_lowered, tool_left_out.
        note: the change, as a sentence for operators.
        rules: rules to store for the model if the change works; None if there are none.
        changes: rules for this turn only.
        tools: names of tools to leave out in this turn.
    """

    code: str
    note: str
    rules: RequestRules | None = None
    changes: RequestRules | None = None
    tools: tuple[str, ...] = ()


def find_remedy(status: int, error: bytes, body: Mapping[str, Any], tools: Sequence[str]) -> Remedy | None:
    """Return how to change a refused request, or None if the refusal names nothing that can be changed.

    Args:
        status: the status of the refusal.
        error: its body, perhaps truncated.
        body: the request that was sent.
        tools: the names of the request's tools, in order.
    """
    if status not in REFUSALS or is_failed_call(error):
        return None
    words = _Words(error)
    if tools and (left_out := _tools_named(words, tools)):
        return Remedy("tool_left_out", f"The provider refuses the tools {', '.join(left_out)}.", tools=left_out)
    if tools and (_NO_TOOLS.search(words.text) or "tools" in words.fields):
        return Remedy("tool_left_out", "The provider does not accept tools for this model.", tools=tuple(tools))
    if tools and _SCHEMAS.search(words.text):
        note = "The provider cannot read a tool's schema and does not say which; pick the provider's profile."
        return Remedy("tool_left_out", note, tools=tuple(tools))
    if status not in FIELD_REFUSALS:
        return None
    return _limit_remedy(words, body) or _field_remedy(words, body)


def is_failed_call(error: bytes) -> bool:
    """Return whether the provider refused the model's own tool call, so that a retry may succeed."""
    return _CALL_FAILED.search(error) is not None


def is_filtered(error: bytes) -> bool:
    """Return whether a content filter refused the request."""
    return _FILTERED.search(error) is not None


class _Words:
    """The content of an error.

    Attributes:
        text: all its sentences.
        fields: the top-level fields that its `param` and `loc` point to.
    """

    def __init__(self, error: bytes) -> None:
        try:
            data: object = orjson.loads(error)
        except orjson.JSONDecodeError:
            data = error.decode("utf-8", "replace")
        self.fields: set[str] = set()
        self.text = " ".join(self._strings(data, "", 0))[:ERROR_MAX_BYTES]

    def _strings(self, node: object, name: str, depth: int) -> Iterator[str]:
        if depth > _MAX_DEPTH:
            return
        if isinstance(node, str):
            yield from self._string(node, name, depth)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key not in _NO_SENTENCES:
                    yield from self._strings(value, str(key), depth + 1)
        elif isinstance(node, list):
            if name == "loc":
                yield self._location([step for step in node if step != "body"])
            else:
                for value in node:
                    yield from self._strings(value, name, depth + 1)

    def _string(self, text: str, name: str, depth: int) -> Iterator[str]:
        if text[:1] in "[{":  # some proxies embed the upstream server's error as a string
            try:
                yield from self._strings(orjson.loads(text), name, depth + 1)
                return
            except orjson.JSONDecodeError:
                pass
        if name == "param":
            self._point([step for step in re.split(r"[.\[\]]+", text) if step])
        yield text

    def _location(self, steps: list[object]) -> str:
        self._point(steps)
        return ".".join(map(str, steps))

    def _point(self, steps: Sequence[object]) -> None:
        if steps and (len(steps) == 1 or steps[0] != "tools"):  # a path into `tools` concerns a single tool
            self.fields.add(str(steps[0]))


def _tools_named(words: _Words, tools: Sequence[str]) -> tuple[str, ...]:
    """Return the tools that an error points to, by index or by name."""
    for path in _TOOL_PATHS:
        indexes = {int(index) for index in path.findall(words.text) if len(index) < 6}
        if indexed := tuple(name for index, name in enumerate(tools) if index in indexes):
            return indexed
    return tuple(
        name
        for name in tools
        if re.search(rf"(?:function|tool|schema)\b[^.]{{0,40}}['\"`]{re.escape(name)}['\"`]", words.text, re.IGNORECASE)
    )


def _limit_remedy(words: _Words, body: Mapping[str, Any]) -> Remedy | None:
    """Return a remedy that lowers the token limit, if the provider names the limit that it accepts."""
    name = next((name for name in LIMIT_FIELDS if name in body), "")
    sent = body.get(name)
    if not isinstance(sent, int):
        return None
    window, prompt = _WINDOW.search(words.text), _IN_WINDOW.search(words.text)
    if window and prompt:
        left = int(window[1]) - int(prompt[1] or prompt[2])
        if not 0 < left < sent:
            return None
        note = f"The prompt leaves {left} tokens of the provider's context window; check the model's context window."
        return Remedy("limit_lowered", note, changes=RequestRules(max_output_tokens=left))
    is_named = any(field in words.text for field in LIMIT_FIELDS) or "completion tokens" in words.text
    if not is_named or not _VALUE_RANGE.search(words.text):
        return None
    numbers = [int(digits.replace(",", "")) for digits in re.findall(r"\d[\d,]{0,11}", words.text)]
    lower_limits = [number for number in numbers if 1 < number < sent]
    if not lower_limits:
        return None
    note = f"The provider takes {max(lower_limits)} as the limit of an answer, not {sent}."
    return Remedy("limit_lowered", note, rules=RequestRules(max_output_tokens=max(lower_limits)))


def _field_remedy(words: _Words, body: Mapping[str, Any]) -> Remedy | None:
    name = _field_named(words, body.keys() - KEPT_FIELDS)
    if not name:
        return None
    instead = _INSTEAD.search(words.text)
    if name in LIMIT_FIELDS:  # keep a limit under the other name rather than send none
        other = LIMIT_FIELDS[1 - LIMIT_FIELDS.index(name)]
        if (instead and instead[1] == other) or not _is_of_value(words):
            return _renamed(name, other)
    if instead and instead[1] not in {*KEPT_FIELDS, name}:
        return _renamed(name, instead[1])
    if _is_of_value(words):  # another value may be accepted, so the field is left out in this turn only
        note = f"The provider refuses the value of {name}, which is left out."
        return Remedy("field_omitted", note, changes=RequestRules(omit=frozenset({name})))
    return omission(name)


def omission(name: str) -> Remedy:
    """Return a remedy that leaves a field out permanently."""
    rules = RequestRules(omit=frozenset({name}))
    return Remedy("field_omitted", f"The provider refuses the field {name}, which is left out.", rules=rules)


def _is_of_value(words: _Words) -> bool:
    return bool(_VALUE_RANGE.search(words.text))


def _renamed(name: str, to: str) -> Remedy:
    base = MAX_TOKENS if name in LIMIT_FIELDS else name
    note = f"The provider takes {to} in place of {name}."
    return Remedy("field_renamed", note, rules=RequestRules(rename={base: to}))


def _field_named(words: _Words, fields: Collection[str]) -> str:
    """Return the field of the request that an error names, or an empty string."""
    for name in sorted(words.fields & set(fields)):
        return name
    if not _REFUSING.search(words.text):
        return ""
    return next((name for form in _SPELLINGS for name in sorted(fields) if _is_named_in(words.text, name, form)), "")


def _is_named_in(text: str, name: str, spelling: str) -> bool:
    if spelling == _PLAIN and "_" not in name:  # an ordinary word such as user or stop may not mean the field
        return False
    return re.search(spelling.format(re.escape(name)), text, re.IGNORECASE) is not None
