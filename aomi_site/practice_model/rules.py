"""The rules by which the practice model answers. Pure functions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aomi_site.practice_model.arguments import MISSING, find_arguments, name_pattern, named_value
from aomi_site.practice_model.passages import cited_sentences, passages_of
from aomi_site.practice_model.request import Offer, Request, Result
from apps_registry.tools.base import SEARCH_TOOL

INTRODUCTION = "I am the practice model: a program that follows rules, not a language model."
MAX_COUNT = 1000
MAX_SHOWN_CHARS = 400
MAX_TOOLS_NAMED = 8
TITLE_WORDS = 6
# Words in names of tools that say nothing about their subject.
_VERBS = frozenset(
    {"get", "set", "list", "find", "fetch", "read", "show", "make", "create", "do", "run", "call", "current", "the"}
)
_QUESTION = re.compile(
    r"[?\uFF1F\u061F]|\b(?:what|how|who|when|where|which|why|search|find|tell|document)", re.IGNORECASE
)
_COUNT = re.compile(r"\bcount to (\d{1,4})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answers: text, tool calls, or both.

    Attributes:
        text: the text.
        calls: tools to call.
        is_slow: the words are sent slowly, so that an operator can watch and interrupt the turn.
    """

    text: str
    calls: Sequence[Call] = ()
    is_slow: bool = False


def answer(request: Request) -> Answer:
    """Return the answer of the first rule that applies to a request."""
    if request.instructions.startswith("Write a title"):  # chat/turns/background/titles.py
        return Answer(_title(request.message))
    if request.instructions.startswith("Summarise the conversation"):  # chat/turns/background/summaries.py
        return Answer(_summary(request.message))
    if request.results:
        return Answer("\n\n".join([INTRODUCTION, *_reports(request)]))
    if count := _COUNT.search(request.message):
        numbers = " ".join(map(str, range(1, min(int(count[1]), MAX_COUNT) + 1)))
        return Answer(f"{INTRODUCTION}\n\n{numbers}", is_slow=True)
    if calls := list(_calls(request)):
        return Answer("", calls)
    return Answer("\n\n".join([INTRODUCTION, *_help(request)]))


def _calls(request: Request) -> Iterator[Call]:
    """Yield a call of each tool whose name or arguments are in the message, and a search of the documents."""
    others = [tool for tool in request.tools if tool.name != SEARCH_TOOL]
    named = [tool for tool in others if is_named(tool, request.message)]
    meant = named or [tool for tool in others if _is_meant(tool, request.message)]
    for tool in meant:
        arguments = find_arguments(tool, request.message)
        if all(name in arguments for name in tool.required):
            yield Call(tool.name, arguments)
    can_search = any(tool.name == SEARCH_TOOL for tool in request.tools)
    if can_search and (SEARCH_TOOL in request.message or (not named and _QUESTION.search(request.message))):
        yield Call(SEARCH_TOOL, {"query": request.message.replace(SEARCH_TOOL, "").strip(" :") or request.message})


def is_named(tool: Offer, message: str) -> bool:
    """Tell whether a message contains a tool's name, with spaces or underscores."""
    return name_pattern(tool).search(message) is not None


def _is_meant(tool: Offer, message: str) -> bool:
    """Tell whether a message contains the words of a tool's subject, or the name and value of one of its arguments."""
    subject = [word for word in re.split(r"[_-]+", tool.name.lower()) if word not in _VERBS]
    said = set(re.findall(r"\w+", message.lower()))
    if subject and all(word in said or f"{word}s" in said for word in subject):
        return True
    return any(named_value(name, tool.properties.get(name, {}), message) is not MISSING for name in tool.required)


def _reports(request: Request) -> Iterator[str]:
    others = " ".join(str(result.data) for result in request.results if result.name != SEARCH_TOOL)
    for result in request.results:
        if result.name == SEARCH_TOOL:
            yield _found(request.message, result, others)
        elif isinstance(result.data, dict) and set(result.data) == {"error"}:
            yield f"The tool {result.name} failed: {result.data['error']}"
        else:
            yield f"The tool {result.name} answered: {_shown(result.data)}."


def _found(question: str, result: Result, answered: str) -> str:
    if sentences := cited_sentences(question, passages_of(result.data), answered=answered):
        return "The documents say: " + " ".join(sentences)
    if isinstance(result.data, dict) and "error" in result.data:
        return f"The documents could not be searched: {result.data['error']}"
    return "The documents have no sentence that shares words with your message."


def _shown(data: Any) -> str:
    """Return a result on one line, cut to a readable length."""
    if isinstance(data, dict):
        text = ", ".join(f"{name} {_shown(value)}" for name, value in data.items())
    elif isinstance(data, list):
        text = "; ".join(map(_shown, data))
    else:
        text = " ".join(str(data).split())
    return text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + " …"


def _help(request: Request) -> Iterator[str]:
    for tool in request.tools:
        if tool.name != SEARCH_TOOL and is_named(tool, request.message):
            arguments = find_arguments(tool, request.message)
            missing = [name for name in tool.required if name not in arguments]
            yield f"To call {tool.name}, I also need: {', '.join(missing)}. Write, for example, {missing[0]}=…"
            return
    before = f" This conversation has {request.earlier} earlier messages of yours." if request.earlier else ""
    yield f"I have no rule for your message.{before}"
    if tools := [_signature(tool) for tool in request.tools[:MAX_TOOLS_NAMED]]:
        yield f"I call a tool when a message names it and its arguments. This App offers: {', '.join(tools)}."
    yield "“count to 100” makes an answer that is long enough to watch and to interrupt."


def _signature(tool: Offer) -> str:
    return f"{tool.name}({', '.join(tool.required)})"


def _title(transcript: str) -> str:
    first = next((line for line in transcript.splitlines() if line.startswith("user: ")), "user: A conversation")
    return " ".join(first.removeprefix("user: ").split()[:TITLE_WORDS])


def _summary(transcript: str) -> str:
    said = [line.removeprefix("user: ")[:100] for line in transcript.splitlines() if line.startswith("user: ")]
    return f"(Made by the practice model from the beginnings of messages.) The user wrote: {' | '.join(said)}"
