"""The queries of `bench.search` beyond the questions, and a long text in Chinese for some of them."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
SEED = 7
RARE_QUERIES = 50
PASSAGES, SENTENCES = 600, 8


def rare_tokens(fillers: int) -> list[str]:
    """Return queries for tokens that few chunks have; the filled Apps have those from filler0 on, `fillers` of them."""
    return [f"What is filler{number}?" for number in range(0, fillers, fillers // RARE_QUERIES)]


def with_typing_errors(question: str) -> str:
    """Return a question with two letters swapped in each long word, so that no chunk has them."""
    return " ".join(word[:2] + word[3] + word[2] + word[4:] if len(word) > 5 else word for word in question.split())


def chinese_questions() -> list[str]:
    """Return the questions about the handbook in Chinese."""
    return [entry["question"] for entry in json.loads((FOLDER / "chinese.json").read_text())]


def chinese_text() -> bytes:
    """Return a long text whose passages are random sentences of the handbook in Chinese."""
    lines = (FOLDER / "chinese.md").read_text().splitlines()
    sentences = [f"{part}\u3002" for line in lines if line[:1] != "#" for part in line.split("\u3002") if part]
    return "\n\n".join(_passages(sentences)).encode()


def _passages(sentences: list[str]) -> Iterator[str]:
    chosen = random.Random(SEED)
    for number in range(PASSAGES):
        yield f"# {number}\n\n" + "".join(chosen.sample(sentences, SENTENCES))
