"""JSON request bodies."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps_registry.plain_json import TooDeep, read_json

# More than a client's own JSON within it may have, so that the message about that one names its limit.
MAX_DEPTH = 200


class JSONParser(BaseParser):
    """Reads JSON strictly: no NaN, no lone surrogates, no nesting that exhausts the stack."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body's object; raise ParseError when it is anything else."""
        body = stream.read()
        if not body.strip():
            return {}
        try:
            data = read_json(body, max_depth=MAX_DEPTH)
        except TooDeep:
            raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep.") from None
        except ValueError:
            raise ParseError("The body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise ParseError("The body is not a JSON object.")
        return data
