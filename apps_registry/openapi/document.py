"""An OpenAPI document: parsed in a limited process, with a version check and local references."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
from asgiref.sync import async_to_sync

from apps_registry.support.limited import child
from apps_registry.support.limited.errors import Refused

PARSER = "apps_registry.openapi.parsing"
MAX_BYTES = 32 * 1024 * 1024  # GitHub's, the largest in common use, has 13 MB
MAX_HOPS = 20


class DocumentError(Exception):
    """The document cannot be used; the message is for the operator."""


class Unsupported(Exception):
    """A part of the document cannot become a tool; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class OpenApiDocument:
    """A parsed document of OpenAPI 3.0 or 3.1.

    Attributes:
        data: content of the document.
        url: its address, which is the base of relative server addresses; empty: it is from a file.
    """

    data: Mapping[str, Any]
    url: str = ""

    @property
    def title(self) -> str:
        """The title of the API in the document."""
        info = self.data.get("info")
        return str(info.get("title") or "") if isinstance(info, Mapping) else ""

    def resolve(self, value: Any) -> tuple[Any, str]:
        """Follow `$ref` to its target; return the target and the last reference.

        Members next to a `$ref` (3.1) override those of the target.

        Raises:
            Unsupported: the reference points to another document, has no target, or is circular.
        """
        overrides: dict[str, Any] = {}
        reference = ""
        for _ in range(MAX_HOPS):
            if not isinstance(value, Mapping) or not isinstance(value.get("$ref"), str):
                return ({**value, **overrides} if overrides and isinstance(value, Mapping) else value), reference
            reference = value["$ref"]
            overrides = {**{name: member for name, member in value.items() if name != "$ref"}, **overrides}
            value = self._target(reference)
        raise Unsupported(f"the reference {reference[:200]} is circular")

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise Unsupported(f"it refers to another document ({reference[:200]}); bundle them into one first")
        node: Any = self.data
        for part in reference[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and name in node:
                node = node[name]
            elif isinstance(node, list) and name.isdecimal() and len(name) < 9 and int(name) < len(node):
                node = node[int(name)]
            else:
                raise Unsupported(f"the reference {reference[:200]} has no target")
        if node is self.data:
            raise Unsupported(f"the reference {reference[:200]} has no target")
        return node


def read_document(content: bytes, url: str = "") -> OpenApiDocument:
    """Parse a document, JSON or YAML, in the limited child process.

    Args:
        content: the file, at most MAX_BYTES (parsing.MAX_YAML_BYTES of YAML).
        url: its address; empty: it is from a file.

    Raises:
        DocumentError: it is too large, neither JSON nor YAML, or not OpenAPI 3.0 or 3.1.
    """
    if len(content) > MAX_BYTES:
        raise DocumentError(f"The document has more than {MAX_BYTES // 2**20} MB.")
    try:
        parsed = async_to_sync(child.result_of)(PARSER, "", content)
    except Refused as error:
        raise DocumentError(str(error)) from None
    data = orjson.loads(parsed)
    if not isinstance(data, Mapping):
        raise DocumentError("The document is not an OpenAPI document: it is not an object.")
    _check_version(data)
    return OpenApiDocument(data, url)


def _check_version(data: Mapping[str, Any]) -> None:
    version = str(data.get("openapi") or "")
    if version.startswith(("3.0", "3.1")):
        return
    if "swagger" in data:
        raise DocumentError("The document is Swagger 2.0; convert it to OpenAPI 3 first.")
    if version:
        raise DocumentError(f"The document uses OpenAPI {version[:20]}; only 3.0 and 3.1 are supported.")
    raise DocumentError("The document is not an OpenAPI document: it has no member “openapi”.")
