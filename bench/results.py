"""What is measured: figures with their goals, and their samples over the rounds."""

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.servers import Target


@dataclass(frozen=True)
class Goal:
    """What a figure must be.

    Attributes:
        text: the goal, for readers.
        is_met: tells from the product's median and the limit's.
    """

    text: str
    is_met: Callable[[float, float], bool]


def at_most(bound: float) -> Goal:
    """The product's own figure has a ceiling."""
    return Goal(f"≤ {bound:g}", lambda product, _: product <= bound)


def at_most_times(factor: float) -> Goal:
    """A cost has a ceiling relative to the limit's."""
    return Goal(f"≤ {factor:g} × limit", lambda product, limit: product <= factor * limit)


def at_least_times(factor: float) -> Goal:
    """A rate has a floor relative to the limit's."""
    return Goal(f"≥ {factor:g} × limit", lambda product, limit: product >= factor * limit)


@dataclass
class Figure:
    """One line of a table, with a sample a round for each server."""

    name: str
    unit: str
    goal: Goal | None = None
    samples: dict[Target, list[float]] = field(default_factory=lambda: defaultdict(list))

    def median(self, target: Target) -> float | None:
        """Return the median of the rounds; None where it is not measured."""
        return statistics.median(self.samples[target]) if self.samples.get(target) else None

    @property
    def ratio(self) -> float | None:
        """The product's median over the limit's."""
        product, limit = self.median("product"), self.median("limit")
        return product / limit if product is not None and limit else None

    @property
    def verdict(self) -> str:
        """Whether the goal is met."""
        product, limit = self.median("product"), self.median("limit")
        if self.goal is None or product is None:
            return ""
        return "met" if self.goal.is_met(product, limit or 0.0) else "NOT met"


class Results:
    """The figures of a run, by section, in the order in which they were first measured."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Figure]] = {}
        self.notes: dict[str, str] = {}
        self._section = ""

    def begin(self, section: str, note: str) -> None:
        """Begin a section; `note` says how it measures."""
        self._section = section
        self.sections[section] = {}
        self.notes[section] = note

    def add(self, target: Target, name: str, unit: str, value: float, goal: Goal | None = None) -> None:
        """Add a sample."""
        figure = self.sections[self._section].setdefault(name, Figure(name, unit, goal))
        figure.samples[target].append(value)

    def as_json(self) -> dict[str, Any]:
        """Return every section's figures with all samples."""
        return {
            section: [_as_json(figure) for figure in figures.values()] for section, figures in self.sections.items()
        }


def _as_json(figure: Figure) -> dict[str, Any]:
    medians = {target: figure.median(target) for target in figure.samples}
    goal = {"goal": figure.goal.text, "verdict": figure.verdict} if figure.goal else {}
    described = {"name": figure.name, "unit": figure.unit, "samples": dict(figure.samples)}
    return {**described, "medians": medians, "ratio": figure.ratio, **goal}
