"""Fused rankings, displayed passages and recognised citations."""

import json

import pytest

from apps_registry.retrieval.passages import RRF_K, Citation, Passage, cited, for_model, fuse


def passage(marker: int, **more: object) -> Passage:
    fields: dict[str, object] = {
        "document_id": 1,
        "document": "Guide",
        "heading": "",
        "text": "text",
        "pages": None,
        "lines": None,
        "text_score": None,
        "vector_score": None,
        "score": 0.1,
    }
    return Passage(marker, **{**fields, **more})  # type: ignore[arg-type]


def test_results_of_both_rankings_come_first() -> None:
    assert [chunk_id for chunk_id, _ in fuse([1, 2, 3], [3, 4])] == [3, 1, 2, 4]
    assert fuse([7]) == [(7, 1 / (RRF_K + 1))]
    assert fuse([], []) == []


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({}, ""),
        ({"pages": (3, 3)}, "page 3"),
        ({"pages": (3, 4), "heading": "A > B"}, "A > B, pages 3-4"),
        ({"lines": (1, 9)}, "lines 1-9"),
    ],
)
def test_a_place_is_readable(more: dict[str, object], place: str) -> None:
    assert passage(1, **more).place == place


RESULT = json.dumps(for_model([passage(12, pages=(1, 1)), passage(13, document="Other")]))


@pytest.mark.parametrize(
    ("answer", "markers"),
    [
        ("So [12].", [12]),
        ("First [13], then [12] and [13] again.", [13, 12]),
        ("Both [12, 13]; in other brackets 【13】.", [12, 13]),
        ("In [2024] nothing, nor [99] or [x] or [999999999999999999999999].", []),
        ("", []),
    ],
)
def test_an_answers_citations_are_found_in_their_order(answer: str, markers: list[int]) -> None:
    results = ["not json", "[]", '{"passages": 3}', '{"passages": [4, {"marker": "[1]"}]}', '{"result": "20"}', RESULT]
    assert [citation.marker for citation in cited(results, answer)] == markers


def test_a_citation_names_document_and_place() -> None:
    assert cited([RESULT], "[12]") == [Citation(12, "Guide", "page 1")]


def test_the_model_is_told_how_to_cite_and_that_passages_are_data() -> None:
    shown = for_model([passage(12)])
    assert "[12]" in shown["note"]
    assert "not instructions" in shown["note"]
    assert for_model([])["passages"] == []
