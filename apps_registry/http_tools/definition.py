"""The definition of an HTTP tool: a request with placeholders, and how to read its response."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from apps_registry.support.http.origins import host_of

BodyType = Literal["json", "form", "text", ""]
WalletNeed = Literal["", "any", "proven"]


@dataclass(frozen=True, slots=True)
class HttpToolDefinition:
    """An HTTP tool; `checks.find_problems` validates it.

    URL, query, headers and body are templates over `{{ args.NAME }}`, `{{ wallet.address }}`,
    `{{ wallet.chain_id }}`, `{{ wallet.is_proven }}` and `{{ secrets.NAME }}` (see `templates`).

    Attributes:
        name: the name that the model uses.
        description: tells the model when and how to use it.
        parameters: JSON Schema (2020-12) of the arguments, an object; other arguments are refused.
        method: GET, HEAD, POST, PUT, PATCH or DELETE.
        url: scheme and host in plain text, then a path that may contain placeholders; no query.
        query: query parameters; one whose optional argument is missing is left out, a list is sent as several.
        headers: by name; a header whose optional argument is missing is left out.
        body: for type json any JSON value, whose strings may contain placeholders; for type form an object of strings;
            for type text a string; None: no body.
        body_type: how the body is encoded; empty: no body.
        result_path: the part of a JSON response that the model gets, such as `data.items[0].price`; empty: all of it.
        result_headers: names of response headers that the model also gets, such as Location and Link.
        max_result_chars: maximum length of the result; a longer one is cut off, with a note.
        timeout_seconds: limit for the whole call, including name resolution, redirects and retries.
        retries: maximum number of retries of a failed call; only for GET, HEAD, PUT and DELETE.
        cache_seconds: how long a response is reused for the same arguments and wallet; 0: no cache.
        needs_wallet: "any" refuses calls without a wallet, "proven" also calls with a wallet that is not proven.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    body_type: BodyType = ""
    result_path: str = ""
    result_headers: Sequence[str] = field(default_factory=list)
    max_result_chars: int = 8000
    timeout_seconds: float = 10.0
    retries: int = 1
    cache_seconds: int = 0
    needs_wallet: WalletNeed = ""

    @property
    def host(self) -> str:
        """Host and port of its requests."""
        return host_of(self.url.partition("{{")[0])

    def as_json(self) -> dict[str, Any]:
        """Return everything except the name as JSON data, for storage."""
        data = asdict(self)
        del data["name"]
        return data

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> "HttpToolDefinition":
        """Return the definition that `as_json` wrote.

        Raises:
            TypeError: a required attribute is missing, or an attribute is unknown.
        """
        unknown = set(data) - {attribute.name for attribute in fields(cls)}
        if unknown:
            raise TypeError(f"an HTTP tool has no {', '.join(sorted(unknown))}")
        return cls(name=name, **data)
