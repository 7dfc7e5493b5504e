"""Parses an OpenAPI document in the limited child process: JSON or YAML in, JSON of limited depth out."""

from typing import Any, BinaryIO

import orjson

from apps_registry.support.limited.errors import Refused
from apps_registry.support.text.plain_json import TooDeep, plain, read_json
from apps_registry.support.text.yaml_reader import MAX_DEPTH, load_yaml

MAX_YAML_BYTES = 8 * 1024 * 1024  # parsing YAML takes about thirty times as long as JSON


def work(_: str, data: bytes, out: BinaryIO) -> None:
    """Write a document as JSON.

    Raises:
        Refused: it is neither JSON nor YAML, or too large or too deep.
    """
    out.write(orjson.dumps(_parsed(data.removeprefix(b"\xef\xbb\xbf"))))


def _parsed(content: bytes) -> Any:
    if content.lstrip()[:1] in {b"{", b"["}:
        try:
            data = read_json(content, max_depth=MAX_DEPTH)
            # Only an escape can add NUL: the parser rejects lone surrogates and control characters.
            return plain(data, max_depth=MAX_DEPTH) if rb"\u0000" in content else data
        except TooDeep as error:
            raise Refused(f"The document cannot be read: {error}.") from None
        except ValueError:
            pass  # a YAML document may begin with a brace, too
    if len(content) > MAX_YAML_BYTES:
        raise Refused(f"The document has more than {MAX_YAML_BYTES // 2**20} MB of YAML; convert it to JSON.")
    try:
        return plain(load_yaml(content.decode()), max_depth=MAX_DEPTH)
    except UnicodeDecodeError:
        raise Refused("The document is not text in UTF-8.") from None
    except ValueError as error:
        raise Refused(f"The document cannot be read: {error}.") from None
