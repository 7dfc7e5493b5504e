"""Calls that Schemathesis generates from the OpenAPI document and checks against it.

These are not in the test module: the package, the document and the strategies take seconds, and collection needs none
of them.
"""

import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation import derive_operation_seed
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from apps_registry.models import App
from chat.schema.contract import document
from tests.patience import scaled

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
Operation = APIOperation[Any, Any, Any, Any]
MODES = [HypothesisTestMode.EXAMPLES, HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING]
SEED = 1
PHASES = {name: {"enabled": True} for name in ("examples", "coverage", "fuzzing")}
CONFIG = SchemathesisConfig.from_dict({"seed": SEED, "phases": {**PHASES, "stateful": {"enabled": False}}})
BOUNDED = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@dataclass(frozen=True)
class Known:
    """Existing ids, names and keys: generated ones alone would get only 400, 401 and 404."""

    session_id: str
    app: App
    key: str | None


def operations() -> Iterator[Operation]:
    """Yield the documented operations, except GET /api/updates.

    That one never ends, so there is no complete response to check; tests/api/test_schema.py checks its events.
    """
    schema = schemathesis.openapi.from_dict(document(), config=CONFIG).exclude(path="/api/updates", method="GET")
    load_all_checks()
    for operation_result in schema.get_all_operations():
        assert isinstance(operation_result, Ok), operation_result.err()
        yield operation_result.ok()


def calls_of(operation: Operation, url: str, known: Sequence[Known]) -> Callable[[], None]:
    """Return a function that generates the calls of an operation, sends them to the server and checks the responses."""

    @BOUNDED
    def one_call(case: Case[Any]) -> None:
        _aim(case, known)
        case.call_and_validate(base_url=url, checks=CHECKS, timeout=scaled(20))

    project = operation.schema.config
    config = HypothesisTestConfig(
        project=project,
        modes=MODES,
        settings=project.get_hypothesis_settings(operation=operation, phase="fuzzing"),
        seed=derive_operation_seed(SEED, operation.label),
    )
    run: Callable[[], None] = create_test(operation=operation, test_func=one_call, config=config)
    return run


def _aim(case: Case[Any], known: Sequence[Known]) -> None:
    """Point three of four calls at existing objects; the generated data determines which."""
    dice = zlib.crc32(repr((case.query, case.headers, case.body)).encode(errors="replace"))
    if dice % 4 == 0 or not _is_uuid(case.headers.get("X-Session-Id")):
        return
    target = known[dice // 4 % 2]
    case.headers["X-Session-Id"] = target.session_id
    if "session_id" in case.path_parameters:
        case.path_parameters["session_id"] = target.session_id
    if target.key is not None:
        case.headers["AOMI-APP-KEY"] = target.key
    for name, value in {"app": target.app.slug, "rig": target.app.default_model.name}.items():
        if name in case.query:
            case.query[name] = value
    case.query.pop("cursor", None)


def _is_uuid(text: Any) -> bool:
    try:
        return bool(uuid.UUID(text))
    except (ValueError, TypeError, AttributeError):
        return False
