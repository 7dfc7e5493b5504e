"""The clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps_registry.builtin_tools.current_time import current_time
from apps_registry.tools.base import ToolContext, ToolError


def run(**arguments: Any) -> dict[str, Any]:
    result: dict[str, Any] = current_time.call(arguments, ToolContext())
    return result


def test_it_tells_the_time_in_utc() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = run()
    time = datetime.fromisoformat(answer["time"])
    assert before <= time <= datetime.now(UTC)
    assert time.utcoffset() == timedelta(0)
    assert (answer["weekday"], answer["timezone"]) == (time.strftime("%A"), "UTC")


@pytest.mark.parametrize(
    ("timezone", "hours"),
    [("Asia/Tokyo", 9), ("Asia/Kathmandu", 5.75), ("Etc/GMT+12", -12), ("Pacific/Kiritimati", 14)],
)
def test_it_tells_the_time_elsewhere(timezone: str, hours: float) -> None:
    answer = run(timezone=timezone)
    time = datetime.fromisoformat(answer["time"])
    assert time.utcoffset() == timedelta(hours=hours)
    assert abs(time - datetime.now(UTC)) < timedelta(minutes=1)
    assert (answer["weekday"], answer["timezone"]) == (time.strftime("%A"), timezone)


@pytest.mark.parametrize("timezone", ["america/new_york", "America/New York", " AMERICA/NEW_YORK "])
def test_case_and_spaces_do_not_matter(timezone: str) -> None:
    assert run(timezone=timezone)["timezone"] == "America/New_York"


@pytest.mark.parametrize(
    ("timezone", "message"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("Ushuaia", "America/Argentina/Ushuaia"),
        ("Europe/Berln", "Europe/Berlin"),
        ("PST", "Etc/GMT-2"),
        ("+02:00", "Etc/GMT-2"),
        ("", "Etc/GMT-2"),
        ("America", "not an IANA time zone"),
        ("../../../etc/passwd", "not an IANA time zone"),
        ("/etc/localtime", "not an IANA time zone"),
        ("\x00", "not an IANA time zone"),
        ("\ud800", "not an IANA time zone"),
        ("a/" * 50_000, "not an IANA time zone"),
    ],
)
def test_an_unknown_zone_is_explained(timezone: str, message: str) -> None:
    with pytest.raises(ToolError) as error:
        run(timezone=timezone)
    assert message in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300
