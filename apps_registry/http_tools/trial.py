"""A test call of an HTTP tool by an operator: the request, the response, and the result for the model."""

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
    """A test call as text; request and response are empty if the call failed before them."""

    seen: str
    is_error: bool
    milliseconds: int
    records: list[CallRecord]
    request: str
    response: str


def try_tool(
    definition: HttpToolDefinition, surroundings: Surroundings, arguments: Mapping[str, Any], context: ToolContext
) -> Trial:
    """Run a tool once without its cache; the result is shown and not stored.

    Args:
        definition: a valid definition.
        surroundings: the context of the tool's App.
        arguments: valid arguments.
        context: the wallet of the test call.
    """
    attempt, started_at, is_error = Attempt(), time.monotonic(), False
    try:
        result = async_to_sync(run_definition)(definition, surroundings, arguments, context, attempt)
    except ToolError as error:
        is_error, result = True, orjson.dumps({"error": str(error)}).decode()
    milliseconds = int((time.monotonic() - started_at) * 1000)
    response = _response_text(attempt.response) if attempt.response else ""
    response = cut(scrub(response, surroundings.secrets.readable_values()), SHOWN_CHARS)
    request = _request_text(attempt.request) if attempt.request else ""
    return Trial(result, is_error, milliseconds, attempt.records, request, response)


def private_host(definition: HttpToolDefinition, trial: Trial) -> str | None:
    """Return the tool's host if the call was refused because of a private address that the operator can allow."""
    host = definition.host
    is_first = (
        len(trial.records) == 1 and trial.records[0].host == host
    )  # allowing the host would not allow redirects to it
    is_private = is_first and trial.records[0].verdict.endswith(ALLOWABLE) and not trial.response
    return host if is_private else None


def unlisted_host(trial: Trial) -> str | None:
    """Return the host that was refused because it is not in the App's list, possibly after a redirect."""
    is_refused = trial.records and trial.records[-1].verdict.endswith(NOT_LISTED)
    return trial.records[-1].host if is_refused else None


def _request_text(request: OutboundRequest) -> str:
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\n".join([*lines, "", request.body.decode()] if request.body else lines)


def _response_text(response: OutboundResponse) -> str:
    lines = [str(response.status), *(f"{name}: {value}" for name, value in response.headers.items())]
    return "\n".join([*lines, "", body_text(response)])
