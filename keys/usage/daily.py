"""The usage of one key, App or model, day by day, for its page."""

from datetime import UTC, date, datetime, timedelta

from keys.usage.reading import Filter, UsageRow, summed

DAYS = 30


def daily(
    *,
    app_id: int | None = None,
    key_id: int | None = None,
    model: str | None = None,
    days: int = DAYS,
    today: date | None = None,
) -> list[UsageRow]:
    """Return the usage of each of the last days, oldest first and today last, including days without usage.

    It takes one query of the roll-up.

    Args:
        app_id: only this App.
        key_id: only this App key; NO_KEY for callers without one.
        model: only this model, by name.
        days: how many days, today included.
        today: the last day (UTC); by default the current one.
    """
    until = today or datetime.now(UTC).date()
    since = until - timedelta(days=days - 1)
    where = Filter(
        app_ids=() if app_id is None else (app_id,),
        key_ids=() if key_id is None else (key_id,),
        models=() if model is None else (model,),
        since=since,
        until=until,
    )
    used = {row.day: row for row in summed(["day"], where)}
    every = (since + timedelta(days=number) for number in range(days))
    return [used.get(day) or UsageRow(day=day) for day in every]
