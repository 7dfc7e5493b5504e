"""An HTTP tool tried by an operator: what was sent, what came back, and what the model would see."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from asgiref.sync import async_to_sync

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.result import body_text
from apps_registry.http_tools.scrub import scrub
from apps_registry.http_tools.shortening import cut
from apps_registry.http_tools.tool import Attempt, Surroundings, run_definition
from apps_registry.outbound.addresses import ALLOWABLE
from apps_registry.outbound.client import CallRecord, OutboundRequest, OutboundResponse
from apps_registry.outbound.errors import NOT_LISTED
from apps_registry.tools.base import ToolContext, ToolError

SHOWN_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Trial:
    """A run, as text to show; request and response are empty when it did not come so far."""

    seen: str
    is_error: bool
    milliseconds: int
    records: list[CallRecord]
    request: str
    response: str


def try_tool(
    definition: HttpToolDefinition, surroundings: Surroundings, arguments: Mapping[str, Any], context: ToolContext
) -> Trial:
    """Run a tool once, past its cache; what it did is shown, not stored.

    Args:
        definition: one without problems.
        surroundings: of the App that the tool belongs to.
        arguments: checked against the definition's parameters.
        context: the wallet to try it with.
    """
    attempt, began, is_error = Attempt(), time.monotonic(), False
    try:
        seen = async_to_sync(run_definition)(definition, surroundings, arguments, context, attempt)
    except ToolError as error:
        is_error, seen = True, orjson.dumps({"error": str(error)}).decode()
    milliseconds = int((time.monotonic() - began) * 1000)
    response = _response_text(attempt.response) if attempt.response else ""
    response = cut(scrub(response, surroundings.secrets.readable_values()), SHOWN_CHARS)
    request = _request_text(attempt.request) if attempt.request else ""
    return Trial(seen, is_error, milliseconds, attempt.records, request, response)


def private_host(definition: HttpToolDefinition, trial: Trial) -> str | None:
    """Return the tool's host if its call was refused for being one of a private network, which may be allowed."""
    host = definition.host
    is_first = len(trial.records) == 1 and trial.records[0].host == host  # a redirect there is refused all the same
    is_private = is_first and trial.records[0].verdict.endswith(ALLOWABLE) and not trial.response
    return host if is_private else None


def unlisted_host(trial: Trial) -> str | None:
    """Return the host that was refused for not being among those that the App is held to, by a redirect perhaps."""
    is_refused = trial.records and trial.records[-1].verdict.endswith(NOT_LISTED)
    return trial.records[-1].host if is_refused else None


def _request_text(request: OutboundRequest) -> str:
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\n".join([*lines, "", request.body.decode()] if request.body else lines)


def _response_text(response: OutboundResponse) -> str:
    lines = [str(response.status), *(f"{name}: {value}" for name, value in response.headers.items())]
    return "\n".join([*lines, "", body_text(response)])
