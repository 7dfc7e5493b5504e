"""The results of a run: figures with their goals and samples."""

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.servers import Target


@dataclass(frozen=True)
class Goal:
    """The goal of a figure.

    Attributes:
        text: the goal, for readers.
        is_met: decides from the product's and the limit's median.
    """

    text: str
    is_met: Callable[[float, float], bool]


def at_most(bound: float) -> Goal:
    """Set a maximum for the product's own figure."""
    return Goal(f"≤ {bound:g}", lambda product, _: product <= bound)


def at_most_times(factor: float) -> Goal:
    """Set a maximum for a cost, relative to the limit's."""
    return Goal(f"≤ {factor:g} × limit", lambda product, limit: product <= factor * limit)


def at_least_times(factor: float) -> Goal:
    """Set a minimum for a rate, relative to the limit's."""
    return Goal(f"≥ {factor:g} × limit", lambda product, limit: product >= factor * limit)


@dataclass
class Figure:
    """One row of a table, with a sample per round for each server."""

    name: str
    unit: str
    goal: Goal | None = None
    samples: dict[Target, list[float]] = field(default_factory=lambda: defaultdict(list))

    def median(self, target: Target) -> float | None:
        """Return the median of the rounds; None if it was not measured."""
        return statistics.median(self.samples[target]) if self.samples.get(target) else None

    @property
    def ratio(self) -> float | None:
        """The product's median divided by the limit's."""
        product, limit = self.median("product"), self.median("limit")
        return product / limit if product is not None and limit else None

    @property
    def verdict(self) -> str:
        """Whether the goal was met."""
        product, limit = self.median("product"), self.median("limit")
        if self.goal is None or product is None:
            return ""
        return "met" if self.goal.is_met(product, limit or 0.0) else "NOT met"


class Results:
    """The figures of a run by section, in the order of their first measurement."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Figure]] = {}
        self.notes: dict[str, str] = {}
        self._section = ""

    def begin(self, section: str, note: str) -> None:
        """Begin a section; `note` describes the method."""
        self._section = section
        self.sections[section] = {}
        self.notes[section] = note

    def add(self, target: Target, name: str, unit: str, value: float, goal: Goal | None = None) -> None:
        figure = self.sections[self._section].setdefault(name, Figure(name, unit, goal))
        figure.samples[target].append(value)

    def as_json(self) -> dict[str, Any]:
        """Return the figures of every section with all samples."""
        return {
            section: [_as_json(figure) for figure in figures.values()] for section, figures in self.sections.items()
        }


def _as_json(figure: Figure) -> dict[str, Any]:
    medians = {target: figure.median(target) for target in figure.samples}
    goal = {"goal": figure.goal.text, "verdict": figure.verdict} if figure.goal else {}
    described = {"name": figure.name, "unit": figure.unit, "samples": dict(figure.samples)}
    return {**described, "medians": medians, "ratio": figure.ratio, **goal}
