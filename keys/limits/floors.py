"""Limits that are smaller than what one call reserves, and so let no call through.

What a call reserves is a rule of the turns (chat/turns/input/reservation.py), which this layer must not import. So they
give it to `use_reservations` at start.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from apps_registry.models import App
from apps_registry.runtime.app_configs import load_app_config
from apps_registry.values import AppConfig
from keys.limits.values import Limits

ADVICE = "Set the limit higher, or the App's longest answer (max reply tokens) lower."
Reserved = tuple[int, Decimal | None]
_reservations: list[Callable[[AppConfig], Reserved]] = []


@dataclass(frozen=True, slots=True)
class Floor:
    """What one call to an App reserves at least.

    Attributes:
        slug: the App's.
        tokens: of the prompt and the longest answer.
        money: the same by the prices of the dearest model; None if a model has no price.
    """

    slug: str
    tokens: int
    money: Decimal | None


def use_reservations(reserved: Callable[[AppConfig], Reserved]) -> None:
    """Set the rule for what the first call of a session reserves for an empty message: tokens, and money if known."""
    _reservations[:] = [reserved]


def floor_problems(limits: Limits, apps: Iterable[App]) -> dict[str, list[str]]:
    """Return why limits of tokens and money let no call through, by field; empty if they let some through.

    Args:
        limits: the limits.
        apps: the Apps that they concern. The default App, which every key can also use, counts only if it is the only
            one: who limits a key for another App may not mean it.
    """
    apps = list(apps)
    floors = [_floor(app) for app in [app for app in apps if not app.is_default] or apps]
    problems = {name: list(_too_small(limits, name, floors)) for name in Limits.__dataclass_fields__}
    return {name: sentences for name, sentences in problems.items() if sentences}


def _floor(app: App) -> Floor:
    config = load_app_config(app.pk)
    tokens, money = _reservations[0](config) if config and config.models else (0, None)
    return Floor(app.slug, tokens, money)


def _too_small(limits: Limits, name: str, floors: list[Floor]) -> Iterator[str]:
    limit = getattr(limits, name)
    if limit is None:
        return
    for floor in floors:
        if name.startswith("tokens_") and limit < floor.tokens:
            yield (
                f"One call to {floor.slug} may need up to {floor.tokens:,} tokens; a limit below that lets no call "
                f"through. {ADVICE}"
            )
        if name.startswith("money_") and floor.money is not None and limit < floor.money:
            yield (
                f"One call to {floor.slug} may cost up to {floor.money.normalize():f}; a limit below that lets no call "
                f"through. {ADVICE}"
            )
