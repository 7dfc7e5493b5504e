"""How an operation wants to be authenticated, as headers and query entries over the App's secrets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps_registry.openapi.document import Document, Unsupported
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.parameters import is_credential_header
from apps_registry.openapi.request import header_name, plain
from apps_registry.support.naming import secret_name, shortened


@dataclass(slots=True)
class Credentials:
    """What goes into a request, and the secrets that the operator has to set.

    Attributes:
        headers: name -> template.
        query: name -> template.
        secrets: name -> what to store under it.
    """

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def read_credentials(document: Document, operation: Operation, host: str) -> Credentials:
    """Return what the first way to authenticate needs that can be written as templates.

    A secret is named after the host that gets it, so that no document can ask for another host's by its name.

    Args:
        document: holds the security schemes.
        operation: the operation, which may have requirements of its own.
        host: of the server.

    Raises:
        Unsupported: none of the ways can be written.
    """
    wanted = operation.data.get("security", document.data.get("security"))
    ways = [way for way in wanted if isinstance(way, Mapping)] if isinstance(wanted, list) else []
    reasons = []
    for way in sorted(ways, key=len, reverse=True) if {} in ways else ways:  # rather with than without, where both do
        try:
            return _credentials(document, list(way), host)
        except Unsupported as error:
            reasons.append(str(error))
    if reasons:
        raise Unsupported(f"it cannot be authenticated: {'; '.join(dict.fromkeys(reasons))}")
    return Credentials()


def add_header_credentials(credentials: Credentials, parameters: Iterable[Mapping[str, Any]], host: str) -> list[str]:
    """Make secrets of required header parameters that are credentials; return a sentence about the others.

    Documents that know no security schemes often list them so.

    Args:
        credentials: by the security schemes, which count more.
        parameters: of the operation.
        host: of the server.

    Raises:
        Unsupported: the name of a required one is not that of a header.
    """
    known = {name.lower() for name in credentials.headers}
    optional = []
    for parameter in parameters:
        name = str(parameter.get("name") or "")
        if parameter.get("in") != "header" or not is_credential_header(name) or name.lower() in known:
            continue
        if parameter.get("required") is not True:
            optional.append(shortened(name, 60))
            continue
        secret = secret_name(host, name)
        credentials.headers[header_name(name)] = f"{{{{ secrets.{secret} }}}}"
        credentials.secrets[secret] = f"the whole value of the header {shortened(name, 60)}"
    if not optional:
        return []
    return [f"Left out, since a credential is no argument for a model: {', '.join(optional)}. A secret can be sent."]


def _credentials(document: Document, names: list[str], host: str) -> Credentials:
    credentials = Credentials()
    components = document.data.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
    for name in names:
        scheme, _ = document.resolve(schemes.get(name) if isinstance(schemes, Mapping) else None)
        if not isinstance(scheme, Mapping):
            raise Unsupported(f"the security scheme {name[:80]} is not in the document")
        _add(credentials, scheme, secret_name(host, str(name)))
    return credentials


def _add(credentials: Credentials, scheme: Mapping[str, Any], secret: str) -> None:
    kind, http_scheme = scheme.get("type"), str(scheme.get("scheme") or "").lower()
    placeholder = f"{{{{ secrets.{secret} }}}}"
    match kind, http_scheme:
        case "apiKey", _:
            credentials.secrets[secret] = _add_key(credentials, scheme, placeholder)
        case "http", "basic":
            credentials.headers["Authorization"] = f"Basic {placeholder}"
            credentials.secrets[secret] = "user:password in Base64, as HTTP Basic has it"
        case "http", "bearer":
            credentials.headers["Authorization"] = f"Bearer {placeholder}"
            credentials.secrets[secret] = "the token, without the word Bearer"
        case (("oauth2" | "openIdConnect"), _):
            credentials.headers["Authorization"] = f"Bearer {placeholder}"
            credentials.secrets[secret] = "an access token; it is not renewed, so it must not expire"
        case _:
            words = " ".join(str(word) for word in (kind, http_scheme) if word)
            raise Unsupported(f"the security scheme {shortened(words, 60)} is not understood")


def _add_key(credentials: Credentials, scheme: Mapping[str, Any], placeholder: str) -> str:
    name, place = str(scheme.get("name") or ""), scheme.get("in")
    if place == "header":
        credentials.headers[header_name(name)] = placeholder
    elif place == "query":
        credentials.query[plain(name, "the name of the API key")] = placeholder
    else:
        raise Unsupported("an API key in a cookie is not sent")
    return f"the API key that is sent as {shortened(name, 60)}"
