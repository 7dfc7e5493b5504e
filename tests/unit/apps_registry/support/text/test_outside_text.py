"""All outside text can be stored, and storable text does not change."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps_registry.support.text.outside_text import (
    REPLACEMENT,
    dump_storable,
    storable,
    storable_count,
    storable_json_text,
)
from apps_registry.support.text.plain_json import plain
from apps_registry.tools.base import ToolError
from tests.wild import wild_json, wild_text


def assert_storable(text: str) -> None:
    text.encode()
    assert "\x00" not in text


@given(wild_text)
def test_any_text_can_be_stored(text: str) -> None:
    clean = storable(text)
    assert_storable(clean)
    assert storable(clean) == clean
    assert str(ToolError(text)) == clean


@given(st.text().filter(lambda text: "\x00" not in text))
def test_a_text_that_can_be_stored_stays_as_it_is(text: str) -> None:
    assert storable(text) == text
    assert json.loads(storable_json_text(json.dumps(text))) == text
    assert json.loads(dump_storable({text: [text]})) == {text: [text]}


@given(wild_json, st.booleans())
def test_any_json_text_can_be_stored_read_and_shown(data: Any, is_ascii: bool) -> None:
    clean = storable_json_text(json.dumps(data, ensure_ascii=is_ascii))
    assert_storable(clean)
    assert_storable(json.dumps(json.loads(clean), ensure_ascii=False))


@given(wild_json)
def test_any_data_becomes_json_that_can_be_stored(data: Any) -> None:
    text = dump_storable(data)
    assert_storable(text)
    assert_storable(json.dumps(json.loads(text), ensure_ascii=False))
    assert_storable(json.dumps(plain(data, max_depth=50), ensure_ascii=False).replace("\\u0000", "\x00"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (r'{"x": "\ud800"}', f'{{"x": "{REPLACEMENT}"}}'),
        (r'{"x": "\uD83D\uDE00"}', r'{"x": "\uD83D\uDE00"}'),
        (r'{"x": "\ud83d\ud83d\ude00"}', r'{"x": "' + REPLACEMENT + r'\ud83d\ude00"}'),
        (r'{"x": "\\ud800"}', r'{"x": "\\ud800"}'),
        (r'{"x": "\\\ud800"}', r'{"x": "\\' + REPLACEMENT + '"}'),
        (r'{"x": "\u0000\u0001"}', r'{"x": "' + REPLACEMENT + r'\u0001"}'),
        ("\ud83d\ude00", "\U0001f600"),
    ],
)
def test_escapes_are_read_as_json_reads_them(text: str, clean: str) -> None:
    assert storable_json_text(text) == clean


def test_integers_that_json_can_represent_keep_their_digits() -> None:
    assert dump_storable({"wei": 10**30}) == '{"wei":1000000000000000000000000000000}'


@pytest.mark.parametrize("value", [-1, 2**31, 10**40, True, 1.5, "7", None, [1]])
def test_an_invalid_count_is_none(value: Any) -> None:
    assert storable_count(value) is None


def test_counts_are_kept() -> None:
    assert [storable_count(0), storable_count(2**31 - 1)] == [0, 2**31 - 1]
