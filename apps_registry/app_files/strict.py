"""Strict reading of data from a file: each field is taken once, with its type, and none may be left over."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import orjson
from asgiref.sync import async_to_sync

from apps_registry.app_files.errors import AppFileError
from apps_registry.support.limited import child
from apps_registry.support.limited.errors import Refused

T = TypeVar("T")

PARSER = "apps_registry.app_files.parsing"
MAX_BYTES = 4 * 2**20
_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping of names to values",
}


class Fields:
    """The fields of one mapping in the file.

    Attributes:
        path: where it stands, such as `http_tools[0]`; empty for the whole file.
    """

    def __init__(self, data: Any, path: str = "") -> None:
        """Take the mapping.

        Raises:
            AppFileError: it is none.
        """
        if not isinstance(data, dict):
            raise AppFileError(f"{path or 'The file'}: this must be {_KINDS[dict]}.")
        self._left = dict(data)
        self.path = path

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not yet taken."""
        return name in self._left

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        """Return a field and strike it off.

        Args:
            name: the field.
            kind: str, int, float (which takes whole numbers too), bool, list or dict.
            default: what a missing field stands for; None: it must be there.

        Raises:
            AppFileError: it is missing or of another type.
        """
        if name not in self._left:
            if default is None:
                raise AppFileError(f"{self.at(name)}: this is missing.")
            return default
        return typed(self._left.pop(name), kind, self.at(name))

    def take_any(self, name: str) -> Any:
        """Return a field that is there, of whatever type, and strike it off."""
        return self._left.pop(name)

    def take_list(self, name: str, kind: type[T]) -> list[T]:
        """Return a list of one type; a missing one is empty."""
        values = self.take(name, list, [])
        return [typed(value, kind, f"{self.at(name)}[{index}]") for index, value in enumerate(values)]

    def take_each(self, name: str) -> Iterator["Fields"]:
        """Yield the mappings of a list; once the caller has taken its fields, none may be left in one."""
        for index, value in enumerate(self.take(name, list, [])):
            fields = Fields(value, f"{self.at(name)}[{index}]")
            yield fields
            fields.finish()

    def take_rest(self) -> dict[str, Any]:
        """Return all that is left."""
        rest, self._left = self._left, {}
        return rest

    def finish(self) -> None:
        """Refuse fields that nobody took."""
        for name in self._left:
            raise AppFileError(f"{self.at(str(name)[:80])}: there is no such field.")


def typed(value: Any, kind: type[T], path: str) -> T:
    """Return a value of this type.

    Raises:
        AppFileError: it is of another type.
    """
    accepted: Any = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise AppFileError(f"{path}: this must be {_KINDS[kind]}.")
    return value  # type: ignore[no-any-return]


def load(content: bytes) -> Mapping[str, Any]:
    """Return what a YAML file holds, which is parsed in the limited child process.

    Raises:
        AppFileError: it is too large, no YAML (the message has the line), or holds what no database stores.
    """
    if len(content) > MAX_BYTES:
        raise AppFileError(f"The file is larger than {MAX_BYTES // 2**20} MB.")
    try:
        parsed = async_to_sync(child.result_of)(PARSER, "", content)
    except Refused as error:
        raise AppFileError(str(error)) from None
    data: Mapping[str, Any] = orjson.loads(parsed)
    return data
