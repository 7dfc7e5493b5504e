"""Converts operations to HTTP tools.

This is our own code: fastmcp 4.1 converts correctly, but to its own server and with 72 packages, and openapi-pydantic
0.6 only parses.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from apps_registry.http_tools import checks
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.http_tools.tool import IDEMPOTENT
from apps_registry.openapi.body import add_body
from apps_registry.openapi.document import OpenApiDocument, Unsupported
from apps_registry.openapi.operations import Operation, Refusal
from apps_registry.openapi.parameters import add_parameters, all_parameters
from apps_registry.openapi.request import Request
from apps_registry.openapi.schemas import DETAILS, SchemaReader, TooLarge
from apps_registry.openapi.security import add_header_credentials, read_credentials
from apps_registry.openapi.servers import host_of, server_url, whole_url
from apps_registry.support.text.naming import shortened
from apps_registry.support.text.visible_text import visible_data

MAX_DESCRIPTION = 1000  # OpenAI-compatible APIs accept 1,024
MAX_SCHEMA_BYTES = 12_000  # some 3,000 tokens, which every request to the model carries


@dataclass(frozen=True, slots=True)
class ImportedTool:
    """An operation as a tool.

    Attributes:
        key: key of the operation.
        definition: definition of the tool.
        notes: notes for the operator about parts that were left out or shortened.
        secrets: the value that the operator must store, described by the name of the secret.
    """

    key: str
    definition: HttpToolDefinition
    notes: tuple[str, ...]
    secrets: dict[str, str]


def convert(
    document: OpenApiDocument, operations: Iterable[Operation], *, server: str = ""
) -> tuple[list[ImportedTool], list[Refusal]]:
    """Return the tools, and the operations that cannot become tools with their reasons.

    Args:
        document: the document of the operations.
        operations: the selected operations.
        server: the address to use instead of the one in the document.
    """
    tools, refusals = [], []
    for operation in operations:
        try:
            tools.append(_convert(document, operation, server))
        except Unsupported as error:
            refusals.append(Refusal(operation.key, operation.method, operation.path, str(error)))
    return tools, refusals


def _convert(document: OpenApiDocument, operation: Operation, server: str) -> ImportedTool:
    if operation.method not in checks.METHODS:
        raise Unsupported(f"a tool does not send {operation.method}")
    address = server_url(document, operation, server)
    credentials = read_credentials(document, operation, host_of(address))
    about_headers = add_header_credentials(credentials, all_parameters(document, operation), host_of(address))
    request, notes = _request(document, operation)
    url = whole_url(address, operation, request)
    for name in credentials.headers.keys() | credentials.query.keys():
        _drop(request, name)
    definition = HttpToolDefinition(
        name=operation.tool_name,
        description=_description(operation),
        parameters=visible_data(request.parameters()),
        method=operation.method,
        url=url,
        query={**request.query, **credentials.query},
        headers={**request.headers, **credentials.headers},
        body=request.body,
        body_type=request.body_type,
        retries=1 if operation.method in IDEMPOTENT else 0,
    )
    for problem in checks.find_problems(definition):
        raise Unsupported(f"the tool would be invalid: {problem.message}")
    return ImportedTool(operation.key, definition, (*notes, *about_headers, *request.notes()), credentials.secrets)


def _request(document: OpenApiDocument, operation: Operation) -> tuple[Request, list[str]]:
    """Build the request with as much detail as fits."""
    for number, detail in enumerate(DETAILS):
        request = Request()
        reader = SchemaReader(document, detail)
        try:
            add_parameters(request, document, operation, reader)
            add_body(request, document, operation, reader)
        except TooLarge:
            continue
        if len(orjson.dumps(request.parameters())) <= MAX_SCHEMA_BYTES:
            return request, ["The arguments are described in less detail than in the document."] if number else []
    raise Unsupported(
        f"its arguments take more than {MAX_SCHEMA_BYTES:,} bytes to describe, even with the least detail"
    )


def _drop(request: Request, name: str) -> None:
    """Remove the argument for an API key that the document also lists as a parameter."""
    for target in (request.query, request.headers):
        for key in [key for key in target if key.lower() == name.lower()]:
            argument = target.pop(key).removeprefix("{{ args.").removesuffix(" }}")
            request.properties.pop(argument, None)
            if argument in request.required:
                request.required.remove(argument)


def _description(operation: Operation) -> str:
    sources = [operation.data.get("summary"), operation.data.get("description")]
    texts = [text.rstrip(".") for text in (shortened(source, MAX_DESCRIPTION) for source in sources) if text]
    description = ". ".join(dict.fromkeys(texts)) or f"{operation.method} {operation.path}"
    return shortened(f"{description}.", MAX_DESCRIPTION)
