"""The sections of the benchmark: each is a function of a run, and its docstring is the description in the report."""

from collections.abc import Callable

from bench.context import Bench
from bench.sections.cold_start import cold_start
from bench.sections.doors import doors
from bench.sections.growth import keys, sessions, tools
from bench.sections.history import history
from bench.sections.memory import held, idle
from bench.sections.round_trips import round_trips
from bench.sections.streaming import first_byte
from bench.sections.tiers import tiers
from bench.sections.turns import turns

SECTIONS: dict[str, Callable[[Bench], None]] = {
    section.__name__: section
    for section in (
        *(turns, round_trips, held, idle, first_byte, doors),
        *(cold_start, tiers, history, keys, sessions, tools),
    )
}
