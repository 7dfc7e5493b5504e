"""What an HTTP tool is: a request with placeholders, and how to read its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from apps_registry.support.origins import host_of

BodyType = Literal["json", "form", "text", ""]
WalletNeed = Literal["", "any", "proven"]


@dataclass(frozen=True, slots=True)
class HttpToolDefinition:
    """A tool that is an HTTP request; `checks.find_problems` says whether it can be used.

    URL, query, headers and body are templates over `{{ args.NAME }}`, `{{ wallet.address }}`,
    `{{ wallet.chain_id }}`, `{{ wallet.is_proven }}` and `{{ secrets.NAME }}` (see `templates`).

    Attributes:
        name: what the model calls it by.
        description: tells the model when and how to use it.
        parameters: JSON Schema (2020-12) of the arguments, an object; arguments that it does not name are refused.
        method: GET, HEAD, POST, PUT, PATCH or DELETE.
        url: scheme and host in plain text, then a path that may hold placeholders; no query.
        query: entries to send; one whose optional argument is missing is left out, a list is sent as several.
        headers: by name; one whose optional argument is missing is left out.
        body: of type json any JSON value, whose strings may hold placeholders; of type form an object of strings;
            of type text a string; None: no body.
        body_type: how the body is written; empty: there is none.
        result_path: which part of a JSON answer the model gets, such as `data.items[0].price`; empty: all of it.
        result_headers: names of headers of the answer that the model gets as well, such as Location and Link.
        max_result_chars: more than this is cut off, with a note.
        timeout_seconds: for the whole call, with its name resolution, redirects and retries.
        retries: how often a failed call is tried again; only of GET, HEAD, PUT and DELETE.
        cache_seconds: how long an answer serves the same arguments and wallet again; 0: it does not.
        needs_wallet: "any" refuses the call without a wallet, "proven" also without proof that it is the caller's.
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
        """Host and port that its requests go to."""
        return host_of(self.url.partition("{{")[0])

    def as_json(self) -> dict[str, Any]:
        """Return all but the name as JSON data, for storage."""
        data = asdict(self)
        del data["name"]
        return data

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> "HttpToolDefinition":
        """Return the definition that `as_json` wrote.

        Raises:
            TypeError: something is missing, or is not part of a definition.
        """
        unknown = set(data) - {each.name for each in fields(cls)}
        if unknown:
            raise TypeError(f"an HTTP tool has no {', '.join(sorted(unknown))}")
        return cls(name=name, **data)
