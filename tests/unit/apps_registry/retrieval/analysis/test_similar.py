"""Words that are similar to a word of a query."""

import pytest

from apps_registry.retrieval.analysis.missing import QueryWord, missing_words
from apps_registry.retrieval.analysis.similar import compounds, corrections, parts, splits, typo_pieces


def may_find(asked: str, word: str) -> bool:
    grams = {f" {word} "[position : position + 3] for position in range(len(word))}
    return any({*piece} <= grams for piece in typo_pieces(asked))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("kundigungsfirst", "kundigungsfrist"),
        ("recieve", "receive"),
        ("passwrod", "password"),
        ("certifcate", "certificate"),
        ("adress", "address"),
        ("gatway", "gateway"),
        ("gatewway", "gateway"),
        ("fery", "ferry"),
        ("договр", "договор"),
    ],
)
def test_a_typing_error_is_corrected(written: str, meant: str) -> None:
    assert may_find(written, meant)
    assert corrections(written, {meant: 3, "other": 9}) == [meant]


def test_the_fewest_errors_and_then_the_frequent_word_win() -> None:
    assert corrections("gatwway", {"gateway": 1, "gatway": 1}) == ["gateway", "gatway"]
    assert corrections("frist", {"first": 9, "christ": 1, "fristen": 1}) == ["first"]
    assert corrections("gate", {"late": 5, "gates": 1}) == ["gates"]  # the first letter is rarely wrong
    assert corrections("gate", {"gutes": 1}) == []


def test_compounds_contain_the_word_at_an_end() -> None:
    assert compounds("frist", ["kundigungsfrist", "fristverlangerung", "befristet", "frist"]) == [
        *("kundigungsfrist", "fristverlangerung"),
    ]
    assert compounds("vertrag", ["strom", "mietvertrags"]) == ["mietvertrags"]


def test_a_compound_is_split_at_known_words() -> None:
    assert ("kundigung", "frist") in splits("kundigungsfrist")
    assert parts("kundigungsfrist", {"kundigung": "kundig", "frist": "frist"}) == ["kundig", "frist"]
    assert parts("technikertermin", {"termin": "termin", "techni": "techni"}) == ["termin"]
    assert parts("technikertermin", {}) == []


def test_words_find_little_if_a_good_part_of_them_is_unknown() -> None:
    words = [QueryWord("a", 3, [1]), QueryWord("b", 0, [2]), QueryWord("c", 4, [3])]
    assert missing_words(words, 1) == ["b"]
    assert missing_words([*words, QueryWord("d", 1, [4])], 1) == []
    # A position that one of two languages takes for a function word does not count as missing.
    assert missing_words([QueryWord("welch", 0, [1]), QueryWord("b", 0, [2]), QueryWord("bs", 0, [2])], 2) == [
        "b",
        "bs",
    ]
    assert missing_words([QueryWord("b", 0, [2]), QueryWord("bs", 1, [2])], 2) == []
