"""Schemathesis: calls made up from the OpenAPI document; none may fail or be answered as it does not describe."""

import uuid
import zlib
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from apps_registry.models import App
from chat.schema.contract import document
from tests.client import Client
from tests.product import Server

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
PHASES = {name: {"enabled": True} for name in ("examples", "coverage", "fuzzing")}
CONFIG = SchemathesisConfig.from_dict({"seed": 1, "phases": {**PHASES, "stateful": {"enabled": False}}})
# GET /api/updates never ends, so there is no whole answer to check; tests/api/test_schema.py checks its events.
SCHEMA = schemathesis.openapi.from_dict(document(), config=CONFIG).exclude(path="/api/updates", method="GET")


@dataclass(frozen=True)
class Known:
    """Something to find: made-up ids, names and keys alone would meet nothing but 400, 401 and 404."""

    session_id: str
    app: App
    key: str | None


@pytest.fixture
def known(client: Client, app_client: Client, app: App) -> list[Known]:
    """A session of the default App, and one of an App with a key."""
    for one in (client, app_client):
        one.chat("Hi")
    default = App.objects.get(is_default=True)
    return [Known(client.session_id, default, None), Known(app_client.session_id, app, app_client.key)]


@SCHEMA.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_every_answer_is_described(case: Case[Any], server: Server, known: list[Known]) -> None:
    _aim(case, known)
    case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=20)


def _aim(case: Case[Any], known: list[Known]) -> None:
    """Point three calls of four at what exists; what was made up says which."""
    dice = zlib.crc32(repr((case.query, case.headers, case.body)).encode(errors="replace"))
    if dice % 4 == 0 or not _is_uuid(case.headers.get("X-Session-Id")):
        return
    one = known[dice // 4 % 2]
    case.headers["X-Session-Id"] = one.session_id
    if "session_id" in case.path_parameters:
        case.path_parameters["session_id"] = one.session_id
    if one.key is not None:
        case.headers["AOMI-APP-KEY"] = one.key
    for name, value in {"app": one.app.slug, "rig": one.app.default_model.name}.items():
        if name in case.query:
            case.query[name] = value
    case.query.pop("cursor", None)


def _is_uuid(text: Any) -> bool:
    try:
        return bool(uuid.UUID(text))
    except (ValueError, TypeError, AttributeError):
        return False
