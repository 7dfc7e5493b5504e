"""Formats the results as Markdown, and writes the committed file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.results import Figure, Results

FOLDER = Path(__file__).resolve().parent
GUIDE, RESULTS = FOLDER / "reading_guide.md", FOLDER / "RESULTS.md"
HEADINGS = ("figure", "unit", "product", "limit", "ratio", "goal", "")


def tables(results: Results) -> str:
    """Return a section for each measurement: a heading, a sentence about the method, and a table."""
    return "\n".join(
        _section(name, results.notes[name], figures.values()) for name, figures in results.sections.items()
    )


def facts(values_by_name: dict[str, Any]) -> str:
    """Return a list of facts about the machine and the run."""
    return "".join(f"- {name}: {value}\n" for name, value in values_by_name.items())


def write_results(text: str) -> None:
    """Write bench/RESULTS.md: the reading guide, then this run."""
    RESULTS.write_text(GUIDE.read_text() + "\n" + text)


def _section(name: str, note: str, figures: Iterable[Figure]) -> str:
    lines = [_row(HEADINGS), _row(["---", "---", "---:", "---:", "---:", "---", "---"]), *map(_figure, figures)]
    return f"### {name}\n\n{note}\n\n" + "\n".join(lines) + "\n"


def _figure(figure: Figure) -> str:
    numbers = [_number(figure.median("product")), _number(figure.median("limit")), _number(figure.ratio)]
    goal = figure.goal.text if figure.goal else ""
    return _row([figure.name, figure.unit, *numbers, goal, figure.verdict])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"
