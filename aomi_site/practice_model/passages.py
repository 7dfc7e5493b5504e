"""Chooses sentences from the passages of a search as the answer, and cites them. Pure functions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_SENTENCES = 3
_WORD = re.compile(r"\w{3,}")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=[#|*-])")
# Words of more than two letters that say nothing about a subject.
_COMMON = re.compile(
    r"about|and|are|but|can|did|does|for|from|had|has|have|his|how|into|its|not|our|she|tell|than|that|the|their|them|"
    r"then|there|they|this|was|were|what|when|where|which|who|why|will|with|would|you|your"
)


def passages_of(data: Any) -> list[Mapping[str, Any]]:
    """Return the passages in a result of the search tool; empty if it is not one."""
    passages = data.get("passages") if isinstance(data, dict) else None
    return [each for each in passages if isinstance(each, dict)] if isinstance(passages, list) else []


def cited_sentences(question: str, passages: Sequence[Mapping[str, Any]], *, answered: str = "") -> list[str]:
    """Return the sentences that share the most words with a question, each quoted with its passage's marker.

    A word that few sentences contain counts more. Sentences with less than two thirds of the best score are left out.

    Args:
        question: the user's message.
        passages: what a search found.
        answered: the results of other tools; their words are ignored.
    """
    sentences = [(text, str(passage.get("marker", ""))) for passage in passages for text in _sentences(passage)]
    words = [_stems(text) for text, _ in sentences]
    asked = _stems(question) - _stems(answered)
    weights = {word: 1 / (1 + sum(word in each for each in words)) for word in asked}
    scored = [(sum(weights[word] for word in asked & each), index) for index, each in enumerate(words)]
    best = max((score for score, _ in scored), default=0.0)
    chosen = sorted((item for item in scored if best and item[0] * 3 >= best * 2), key=lambda item: (-item[0], item[1]))
    return [f"“{sentences[index][0]}” {sentences[index][1]}" for _, index in chosen[:MAX_SENTENCES]]


def _sentences(passage: Mapping[str, Any]) -> Iterator[str]:
    for text in _SENTENCE_END.split(str(passage.get("text", ""))):
        if not text.lstrip().startswith("#") and _WORD.search(text):
            yield " ".join(text.split())


def _stems(text: str) -> frozenset[str]:
    """Return the words of a text, without common words and without common English endings."""
    words = (word for word in _WORD.findall(text.lower()) if not _COMMON.fullmatch(word))
    return frozenset(re.sub(r"(?:ing|ed|es|s)$", "", word) if len(word) > 4 else word for word in words)
