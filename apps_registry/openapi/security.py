"""Converts the authentication of an operation to headers and query entries with the App's secrets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps_registry.openapi.document import OpenApiDocument, Unsupported
from apps_registry.openapi.operations import Operation
from apps_registry.openapi.parameters import is_credential_header
from apps_registry.openapi.request import header_name, plain
from apps_registry.support.text.naming import secret_name, shortened


@dataclass(slots=True)
class Credentials:
    """The credentials of a request, and the secrets that the operator must set.

    Attributes:
        headers: name -> template.
        query: name -> template.
        secrets: description of the value to store, by name.
    """

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def read_credentials(document: OpenApiDocument, operation: Operation, host: str) -> Credentials:
    """Return the credentials of the first authentication method that templates can express.

    A secret is named after its host, so that a document cannot request the secret of another host by name.

    Args:
        document: the document with the security schemes.
        operation: the operation, which may have its own requirements.
        host: host of the server.

    Raises:
        Unsupported: templates cannot express any of the methods.
    """
    requirements = operation.data.get("security", document.data.get("security"))
    methods = (
        [method for method in requirements if isinstance(method, Mapping)] if isinstance(requirements, list) else []
    )
    reasons = []
    for method in (
        sorted(methods, key=len, reverse=True) if {} in methods else methods
    ):  # prefer any to no authentication
        try:
            return _credentials(document, list(method), host)
        except Unsupported as error:
            reasons.append(str(error))
    if reasons:
        raise Unsupported(f"its authentication is not supported: {'; '.join(dict.fromkeys(reasons))}")
    return Credentials()


def add_header_credentials(credentials: Credentials, parameters: Iterable[Mapping[str, Any]], host: str) -> list[str]:
    """Make secrets from required header parameters that are credentials; return a note about the optional ones.

    Documents without security schemes often declare credentials in this way.

    Args:
        credentials: the credentials of the security schemes, which have priority.
        parameters: the parameters of the operation.
        host: host of the server.

    Raises:
        Unsupported: the name of a required parameter is not a valid header name.
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
        credentials.secrets[secret] = f"the complete value of the header {shortened(name, 60)}"
    if not optional:
        return []
    return [f"Left out, since a model must not get credentials: {', '.join(optional)}. Send a secret instead."]


def _credentials(document: OpenApiDocument, names: list[str], host: str) -> Credentials:
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
            credentials.secrets[secret] = "user:password in Base64, as in HTTP Basic authentication"
        case "http", "bearer":
            credentials.headers["Authorization"] = f"Bearer {placeholder}"
            credentials.secrets[secret] = "the token, without the word Bearer"
        case (("oauth2" | "openIdConnect"), _):
            credentials.headers["Authorization"] = f"Bearer {placeholder}"
            credentials.secrets[secret] = "an access token that does not expire, since it is not renewed"
        case _:
            description = " ".join(str(word) for word in (kind, http_scheme) if word)
            raise Unsupported(f"the security scheme {shortened(description, 60)} is not supported")


def _add_key(credentials: Credentials, scheme: Mapping[str, Any], placeholder: str) -> str:
    name, location = str(scheme.get("name") or ""), scheme.get("in")
    if location == "header":
        credentials.headers[header_name(name)] = placeholder
    elif location == "query":
        credentials.query[plain(name, "the name of the API key")] = placeholder
    else:
        raise Unsupported("an API key in a cookie is not sent")
    return f"the API key that is sent as {shortened(name, 60)}"
