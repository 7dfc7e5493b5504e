"""The operations of a document: what an operator chooses from."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps_registry.openapi.document import Document, DocumentError, Unsupported
from apps_registry.support.naming import UniqueNames, shortened, tool_name

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
MAX_TAG = 60
MAX_OPERATIONS = 20_000  # GitHub's whole API has 1,100, that of Microsoft Graph some 16,000


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        key: how it is chosen and found again: its operationId where that is unique, else `GET /path`.
        method: in capitals.
        path: as the document writes it.
        summary: a line for the operator.
        tags: the groups that it belongs to.
        tool_name: the name of its tool, unique in the document whatever is chosen.
        data: its part of the document.
        shared: the members of its path, which hold for all its methods.
    """

    key: str
    method: str
    path: str
    summary: str
    tags: tuple[str, ...]
    tool_name: str
    data: Mapping[str, Any] = field(repr=False)
    shared: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that cannot become a tool, and why."""

    key: str
    method: str
    path: str
    reason: str


def read_operations(document: Document, prefix: str = "") -> tuple[list[Operation], list[Refusal]]:
    """Return the operations in the document's order, and what cannot even be listed.

    Args:
        document: a parsed document.
        prefix: put before the name of every tool.

    Raises:
        DocumentError: there are too many.
    """
    found, refusals = _collect(document)
    ids = Counter(_operation_id(data) for _, _, data, _ in found)
    names = UniqueNames()
    operations = []
    for method, path, data, shared in found:
        own_id = _operation_id(data)
        key = own_id if ids[own_id] == 1 and own_id else f"{method} {path}"
        name = names.unique(tool_name(prefix + (own_id or f"{method.lower()}_{path.strip('/')}")))
        summary = shortened(data.get("summary") or data.get("description"), 160)
        operations.append(Operation(key, method, path, summary, _tags(data), name, data, shared))
    return operations, refusals


_Found = tuple[str, str, Mapping[str, Any], Mapping[str, Any]]


def _collect(document: Document) -> tuple[list[_Found], list[Refusal]]:
    found: list[_Found] = []
    refusals: list[Refusal] = []
    for path, item in _paths(document):
        try:
            resolved, _ = document.resolve(item)
        except Unsupported as error:
            refusals.append(Refusal(path, "", path, str(error)))
            continue
        if not isinstance(resolved, Mapping):
            refusals.append(Refusal(path, "", path, "the path holds no object"))
            continue
        for method in METHODS:
            if isinstance(data := resolved.get(method), Mapping):
                found.append((method.upper(), path, data, resolved))
        if len(found) > MAX_OPERATIONS:
            raise DocumentError(f"The document has more than {MAX_OPERATIONS} operations; import a part of it.")
    return found, refusals


def _paths(document: Document) -> Iterator[tuple[str, Any]]:
    paths = document.data.get("paths")
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        if not str(path).startswith("x-"):
            yield str(path), item


def _operation_id(data: Mapping[str, Any]) -> str:
    return shortened(data.get("operationId"), 200)


def _tags(data: Mapping[str, Any]) -> tuple[str, ...]:
    tags = data.get("tags")
    named = [shortened(tag, MAX_TAG) for tag in tags] if isinstance(tags, list) else []
    return tuple(dict.fromkeys(tag for tag in named if tag))
