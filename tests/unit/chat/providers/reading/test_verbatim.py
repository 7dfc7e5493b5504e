"""Fields that a provider wants back unchanged are assembled from their fragments."""

import json
from typing import Any

import pytest

from chat.providers.reading.verbatim import VERBATIM_MAX_BYTES, Verbatim


def put_together(*fragments: dict[str, Any]) -> dict[str, Any] | None:
    verbatim = Verbatim()
    for fragment in fragments:
        verbatim.add(fragment)
    return verbatim.whole()


def details(**entry: Any) -> dict[str, Any]:
    return {"reasoning_details": [entry]}


TEXT = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
SEALED = {"type": "reasoning.encrypted", "data": "e30=", "id": "rs_1", "index": 1}

SHAPES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    # https://api-docs.deepseek.com/guides/thinking_mode
    "reasoning_content": ([{"reasoning_content": "H"}, {"reasoning_content": "m"}], {"reasoning_content": "Hm"}),
    # https://github.com/crmne/ruby_llm/issues/591
    "thought_signature": (
        [{"extra_content": {"google": {"thought_signature": "sig"}}}],
        {"extra_content": {"google": {"thought_signature": "sig"}}},
    ),
    # https://github.com/earendil-works/pi/issues/6733
    "objects are merged": (
        [{"extra_content": {"vertex": {"a": 1}}}, {"extra_content": {"vertex": {"b": None, "c": 2}}}],
        {"extra_content": {"vertex": {"a": 1, "c": 2}}},
    ),
    # https://github.com/jeremychone/rust-genai/pull/301
    "reasoning_details of one index": (
        [details(**TEXT, text="H"), details(**TEXT, text="m"), details(**TEXT, text="", signature="sig")],
        details(**TEXT, text="Hm", signature="sig"),
    ),
    "reasoning_details of several": (
        [details(**TEXT, text="H"), details(**SEALED), details(**TEXT, text="m")],
        {"reasoning_details": [{**TEXT, "text": "Hm"}, SEALED]},
    ),
    "a sealed one that comes twice": ([details(**SEALED), details(**SEALED)], details(**SEALED)),
    "two sealed ones of one index": (
        [details(**SEALED), details(**{**SEALED, "id": "rs_2"})],
        {"reasoning_details": [SEALED, {**SEALED, "id": "rs_2"}]},
    ),
    "without an index": (
        [details(type="reasoning.summary", summary="H"), details(type="reasoning.summary", summary="m")],
        details(type="reasoning.summary", summary="Hm"),
    ),
    # https://github.com/BerriAI/litellm/pull/22448
    "thinking_blocks, each closed by its signature": (
        [
            {"thinking_blocks": [{"type": "thinking", "thinking": text, "signature": signature}]}
            for text, signature in (("a", ""), ("b", ""), ("", "s1"), ("c", ""), ("", "s2"))
        ],
        {
            "thinking_blocks": [
                {"type": "thinking", "thinking": "ab", "signature": "s1"},
                {"type": "thinking", "thinking": "c", "signature": "s2"},
            ]
        },
    ),
    "other lists": ([{"x": [1, "a"]}, {"x": [1]}], {"x": [1, "a", 1]}),
    "numbers": ([{"x": 1}, {"x": 2}], {"x": 2}),
}


@pytest.mark.parametrize(("fragments", "whole"), SHAPES.values(), ids=SHAPES)
def test_fragments_are_put_together(fragments: list[dict[str, Any]], whole: dict[str, Any]) -> None:
    assert put_together(*json.loads(json.dumps(fragments))) == whole


def test_a_fragment_is_not_changed() -> None:
    fragment = details(**TEXT, text="H")
    put_together(fragment, details(**TEXT, text="m"))
    assert fragment == details(**TEXT, text="H")


@pytest.mark.parametrize("text", ["x" * VERBATIM_MAX_BYTES, "a\x00b", "a\ud800b"])
def test_what_is_too_large_or_cannot_be_stored_does_not_go_back(text: str) -> None:
    assert put_together({"reasoning_content": text}) is None


def test_endless_fragments_are_not_collected() -> None:
    verbatim = Verbatim()
    for _ in range(2_000):
        verbatim.add({"x": ["y" * 1_000]})
    assert verbatim.whole() is None
    assert len(json.dumps(verbatim._fields)) < 6 * VERBATIM_MAX_BYTES
