"""Built-in tool: the current date and time in any time zone."""

from datetime import datetime
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from apps_registry.tools.base import ToolError, quoted
from apps_registry.tools.builtin import builtin_tool

MAX_NAME_LENGTH = 60  # the longest IANA name has 32 letters
# The Etc zones use the signs of POSIX, which are the opposite of ISO 8601.
_EXAMPLES = "Use a name such as Europe/Berlin, or Etc/GMT-2 for a fixed offset of two hours ahead of UTC."


@builtin_tool
def current_time(
    timezone: Annotated[str, "IANA time zone name, such as Europe/Berlin or America/New_York"] = "UTC",
) -> dict[str, Any]:
    """Get the current date, time and weekday in a time zone (ISO 8601)."""
    zone = _zone_name(timezone)
    now = datetime.now(ZoneInfo(zone))
    return {"time": now.isoformat(timespec="seconds"), "weekday": f"{now:%A}", "timezone": zone}


def _zone_name(requested_name: str) -> str:
    """Return the exact name of a zone, given in any case, with spaces or underscores; raises ToolError."""
    names = _names()
    key = requested_name.strip()[:MAX_NAME_LENGTH].casefold().replace(" ", "_")
    if key in names:
        return names[key]
    # "tokyo" is not a zone but the last part of one.
    near = [names[name] for name in names if key and name.rpartition("/")[2] == key]
    near += [names[name] for name in get_close_matches(key, names, n=3, cutoff=0.8)]
    hint = f"Did you mean {' or '.join(dict.fromkeys(near[:3]))}?" if near else _EXAMPLES
    raise ToolError(f"{quoted(requested_name)} is not an IANA time zone name. {hint}")


@cache  # reads some 600 files
def _names() -> dict[str, str]:
    # Names are looked up here and never opened directly, since a name could be a path.
    return {name.casefold(): name for name in sorted(available_timezones())}
