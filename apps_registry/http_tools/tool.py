"""Runs an HTTP tool: builds the request, sends it with retries, and reads the response."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from apps_registry.credentials.secret_box import SecretBox
from apps_registry.http_tools import schema
from apps_registry.http_tools.cache import results
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.request import build_request
from apps_registry.http_tools.result import read_result
from apps_registry.http_tools.scrub import scrub
from apps_registry.http_tools.shortening import cut, cut_result
from apps_registry.http_tools.templates import Missing
from apps_registry.outbound.client import CallRecord, OutboundRequest, OutboundResponse, send
from apps_registry.outbound.errors import OutboundError
from apps_registry.support.fingerprint import fingerprint
from apps_registry.support.http.retry_after import retry_after_seconds
from apps_registry.support.text.visible_text import visible, visible_data
from apps_registry.tools.arguments import dump_arguments
from apps_registry.tools.base import Tool, ToolContext, ToolError

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})  # RFC 9110, section 9.2.2
TRANSIENT_STATUS = frozenset({429, 502, 503, 504})
FIRST_PAUSE_SECONDS = 0.25
ERROR_MAX_CHARS = 1500
# Added to the tool's own limit, for the processing after the call.
GRACE_SECONDS = 5.0

StoreRecords = Callable[[int, UUID, str, list[CallRecord]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The context of an App for its HTTP tools.

    Attributes:
        allowed_hosts: hosts, as host:port, that may have private addresses.
        store: stores the records of a turn's calls: App id, turn id, tool name, records.
        only_hosts: the only other hosts, as host:port, that may be called; empty: any public host.
    """

    app_id: int
    secrets: SecretBox
    allowed_hosts: frozenset[str]
    store: StoreRecords
    only_hosts: frozenset[str] = frozenset()


@dataclass(slots=True)
class Attempt:
    """The course of one run of a tool.

    Attributes:
        request: the request, with names instead of secrets.
        response: the last response, which may contain secrets that the server sent back.
        records: records of all requests, including redirects and retries.
    """

    request: OutboundRequest | None = None
    response: OutboundResponse | None = None
    records: list[CallRecord] = field(default_factory=list)


def http_tool(definition: HttpToolDefinition, surroundings: Surroundings) -> Tool:
    """Return the tool that a definition describes.

    Raises:
        ValueError: its parameters are not a JSON Schema.
    """
    parameters = visible_data(definition.parameters)
    validator = schema.compile_schema(parameters)
    identity = _fingerprint(definition, surroundings)

    async def run(arguments: Mapping[str, Any], context: ToolContext) -> str:
        wallet = (context.wallet_address, context.wallet_chain_id, context.wallet_is_proven)
        key = (identity, dump_arguments(arguments), wallet)
        if definition.cache_seconds and (cached := results.get(key)) is not None:
            return cached
        attempt = Attempt()
        try:
            text = await run_definition(definition, surroundings, arguments, context, attempt)
        finally:
            if context.turn_id is not None and attempt.records:
                await surroundings.store(surroundings.app_id, context.turn_id, definition.name, attempt.records)
        if definition.cache_seconds:
            results.put(key, text, definition.cache_seconds)
        return text

    return Tool(
        definition.name,
        visible(definition.description),
        {"additionalProperties": False, **parameters},
        run,
        check=partial(schema.check, validator),
        timeout_seconds=definition.timeout_seconds + GRACE_SECONDS,
        is_idempotent=definition.method in IDEMPOTENT,
    )


async def run_definition(
    definition: HttpToolDefinition,
    surroundings: Surroundings,
    arguments: Mapping[str, Any],
    context: ToolContext,
    attempt: Attempt,
) -> str:
    """Run the tool and return the result for the model; `attempt` is filled in step by step.

    Args:
        definition: a valid definition (see `checks`).
        surroundings: the context of the tool's App.
        arguments: valid arguments.
        context: the caller's wallet.
        attempt: receives the request, the response and the records.

    Raises:
        ToolError: the call failed; the message contains no secret.
    """
    try:
        _check_wallet(definition, context)
        attempt.request = build_request(definition, partial(_lookup, arguments, context, _mask))
        secret = partial(surroundings.secrets.value, host=definition.host)
        request = build_request(definition, partial(_lookup, arguments, context, secret))
        attempt.response = await _send(definition, surroundings, request, attempt.records)
        # Reading a page of 1 MiB takes a good part of a second; in a thread it does not block other turns.
        text = await asyncio.to_thread(read_result, attempt.response, definition)
    except (ToolError, OutboundError) as error:
        raise ToolError(cut(scrub(str(error), surroundings.secrets.readable_values()), ERROR_MAX_CHARS)) from None
    finally:
        _clean(attempt.records, surroundings)
    return cut_result(scrub(text, surroundings.secrets.readable_values()), definition.max_result_chars)


async def _send(
    definition: HttpToolDefinition, surroundings: Surroundings, request: OutboundRequest, records: list[CallRecord]
) -> OutboundResponse:
    """Send the request, and retry idempotent requests after transient failures, within the time limit."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + definition.timeout_seconds
    tries = 1 + (definition.retries if request.method in IDEMPOTENT else 0)
    for number in range(tries):
        is_last = number == tries - 1
        pause = FIRST_PAUSE_SECONDS * 2**number * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not security
        try:
            response = await send(
                request,
                allowed_hosts=surroundings.allowed_hosts,
                only_hosts=surroundings.only_hosts,
                timeout_seconds=max(0.0, deadline - loop.time()),
                records=records,
            )
        except OutboundError as error:
            if is_last or not error.is_transient or loop.time() + pause >= deadline:
                raise
        else:
            pause = max(pause, retry_after_seconds(response.headers.get("retry-after", "")) or 0)
            if is_last or response.status not in TRANSIENT_STATUS or loop.time() + pause >= deadline:
                return response
        await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _check_wallet(definition: HttpToolDefinition, context: ToolContext) -> None:
    if definition.needs_wallet and context.wallet_address is None:
        raise ToolError("this tool needs the user's wallet, and the user has connected none to this conversation")
    if definition.needs_wallet == "proven" and not context.wallet_is_proven:
        raise ToolError("this tool needs a wallet that is proven to be the user's; ask the user to sign in with it")


def _lookup(
    arguments: Mapping[str, Any], context: ToolContext, secret: Callable[[str], str], namespace: str, name: str
) -> Any:
    if namespace == "secrets":
        return secret(name)
    values = arguments if namespace == "args" else _wallet(context)
    if name not in values:
        raise Missing(f"{namespace}.{name}")
    return values[name]


def _clean(records: list[CallRecord], surroundings: Surroundings) -> None:
    """Remove secrets from the records: a server that gets a secret can redirect to a host with its name."""
    secrets = surroundings.secrets.readable_values() if len({record.host for record in records}) > 1 else ()
    for record in records if secrets else ():
        record.host, record.verdict = scrub(record.host, secrets), scrub(record.verdict, secrets)


def _mask(name: str) -> str:
    return f"~~~{name}~~~"  # characters that are never encoded in a request


def _wallet(context: ToolContext) -> dict[str, Any]:
    if context.wallet_address is None:
        return {}
    wallet = {"address": context.wallet_address, "is_proven": context.wallet_is_proven}
    return wallet if context.wallet_chain_id is None else {**wallet, "chain_id": context.wallet_chain_id}


def _fingerprint(definition: HttpToolDefinition, surroundings: Surroundings) -> str:
    """Return a digest that identifies a tool of an App with its current secrets and hosts, for the cache."""
    box = surroundings.secrets
    hosts = {name: sorted(bound) for name, bound in box.hosts.items()}
    rules = [sorted(surroundings.allowed_hosts), sorted(surroundings.only_hosts)]
    return fingerprint(definition.name, definition.as_json(), surroundings.app_id, dict(box.tokens), hosts, *rules)
