"""One table defines the error codes and their statuses; responses and the OpenAPI document follow it."""

from collections.abc import Iterator

from rest_framework import exceptions

from chat.api.error_codes import ERROR_CODES, STATUS
from chat.api.errors import ANSWERS, code_and_sentence
from chat.providers.base import ModelFailure, ModelTimeout
from keys.http.permissions import AppPermission
from tests.client import Client

FROM_DRF: tuple[type[exceptions.APIException], ...] = (
    exceptions.MethodNotAllowed,
    exceptions.UnsupportedMediaType,
    exceptions.NotFound,
)


def ours(kind: type[exceptions.APIException] = exceptions.APIException) -> Iterator[type[exceptions.APIException]]:
    for subclass in kind.__subclasses__():
        yield from ours(subclass)
        if not subclass.__module__.startswith("rest_framework"):
            yield subclass


def test_each_code_is_listed_once() -> None:
    assert len(STATUS) == len(ERROR_CODES)


def test_exceptions_have_the_status_of_the_table() -> None:
    assert list(ours())
    for kind in (*ours(), *FROM_DRF):
        assert STATUS[kind.default_code] == kind.status_code, kind
    assert STATUS[AppPermission.code] == exceptions.PermissionDenied.status_code
    assert {answer.code for _, answer in ANSWERS} <= STATUS.keys()
    assert {ModelFailure.code, ModelTimeout.code} <= STATUS.keys()


def test_a_drf_error_that_the_table_lacks_still_gets_a_response() -> None:
    assert code_and_sentence(exceptions.NotAcceptable("Only JSON.")) == ("invalid_request", "Only JSON.")
    assert code_and_sentence(exceptions.APIException("Odd."))[0] == "internal_error"


def test_the_document_describes_every_error_code(client: Client) -> None:
    document = client.request("GET", "/api/schema").json()
    described, schemas = document["components"]["responses"], document["components"]["schemas"]
    for error in ERROR_CODES:
        if not error.is_general:
            schema = schemas[f"Problem{error.status}"]
            assert error.code in schema["properties"]["code"]["enum"]
            assert set(error.headers) <= described[f"Problem{error.status}"]["headers"].keys()
    assert client.request("GET", "/api/nowhere").status_code == STATUS["not_found"]
    assert client.request("PUT", "/api/state").status_code == STATUS["method_not_allowed"]
