"""Every rule that can refuse a call is explained to operators."""

import re
from pathlib import Path

import pytest

from keys.refusals.rules import RULES, rule_named

ROOT = Path(__file__).resolve().parents[3]
# Lines in which code sets the rule of a refusal, and the words in them.
NAMING = re.compile(
    r"\brule ?= ?|InvalidKey\(|NotAllowed\(|NoSuchModel\(|note_refusal\(|_[cC]ount\(|_refuse\("
    r"|TooManyFailures\(|return \"token_"
)
WORD = re.compile(r'"([a-z]+_[a-z_]+)"')
UNRECORDED = {"path_unknown"}


def named_rules() -> set[str]:
    modules = [path for app in ("keys", "chat", "sessions_app", "aomi_site") for path in (ROOT / app).rglob("*.py")]
    modules = [path for path in modules if path.parent.name != "migrations"]  # a function there has a similar name
    lines = [line for path in modules for line in path.read_text().splitlines() if NAMING.search(line)]
    return {word for line in lines for word in WORD.findall(line)} - UNRECORDED - {"session_not_available"}


def test_every_rule_of_the_code_is_explained() -> None:
    named = named_rules()
    assert {"key_revoked", "streams_of_key", "session_unknown", "app_not_in_scope", "token_expired"} <= named
    assert named - RULES.keys() == set()


def test_every_code_of_a_refusal_is_explained() -> None:
    """A refusal whose exception names no rule is recorded under its error code."""
    pytest.importorskip("chat.api.error_codes")
    from chat.api.error_codes import ERROR_CODES

    recorded = {401, 403, 404, 409, 410, 413, 415, 422, 429, 503}
    # These always come with a more specific rule.
    finer = {"invalid_app_key", "app_not_authorized", "session_not_available", "rate_limited", "budget_exhausted"}
    finer |= {"origin_not_allowed", "network_not_allowed"}
    codes = {error.code for error in ERROR_CODES if error.status in recorded}
    assert codes - finer - RULES.keys() == set()


def test_a_row_of_another_version_is_explained_in_general() -> None:
    assert "No explanation is known" in rule_named("of_the_future").refused
