"""The operations of a document, from which an operator selects."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps_registry.openapi.document import DocumentError, OpenApiDocument, Unsupported
from apps_registry.support.text.naming import UniqueNames, shortened, tool_name

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
MAX_TAG = 60
MAX_OPERATIONS = 20_000  # GitHub's whole API has 1,100, that of Microsoft Graph some 16,000


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        key: identifies the operation: its operationId if that is unique, otherwise `GET /path`.
        method: in upper case.
        path: as in the document.
        summary: one line for the operator.
        tags: its groups.
        tool_name: the name of its tool, unique in the document regardless of the selection.
        data: its part of the document.
        shared: the members of its path item, which apply to all methods.
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


def read_operations(document: OpenApiDocument, prefix: str = "") -> tuple[list[Operation], list[Refusal]]:
    """Return the operations in the order of the document, and the paths that cannot be read.

    Args:
        document: a parsed document.
        prefix: prefix of the name of every tool.

    Raises:
        DocumentError: there are too many operations.
    """
    items, refusals = _collect(document)
    ids = Counter(_operation_id(data) for _, _, data, _ in items)
    names = UniqueNames()
    operations = []
    for method, path, data, shared in items:
        operation_id = _operation_id(data)
        key = operation_id if ids[operation_id] == 1 and operation_id else f"{method} {path}"
        name = names.unique(tool_name(prefix + (operation_id or f"{method.lower()}_{path.strip('/')}")))
        summary = shortened(data.get("summary") or data.get("description"), 160)
        operations.append(Operation(key, method, path, summary, _tags(data), name, data, shared))
    return operations, refusals


_Item = tuple[str, str, Mapping[str, Any], Mapping[str, Any]]


def _collect(document: OpenApiDocument) -> tuple[list[_Item], list[Refusal]]:
    items: list[_Item] = []
    refusals: list[Refusal] = []
    for path, item in _paths(document):
        try:
            resolved, _ = document.resolve(item)
        except Unsupported as error:
            refusals.append(Refusal(path, "", path, str(error)))
            continue
        if not isinstance(resolved, Mapping):
            refusals.append(Refusal(path, "", path, "the path item is not an object"))
            continue
        for method in METHODS:
            if isinstance(data := resolved.get(method), Mapping):
                items.append((method.upper(), path, data, resolved))
        if len(items) > MAX_OPERATIONS:
            raise DocumentError(f"The document has more than {MAX_OPERATIONS} operations; import a part of it.")
    return items, refusals


def _paths(document: OpenApiDocument) -> Iterator[tuple[str, Any]]:
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
