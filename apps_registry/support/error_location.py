"""Describes an exception for a log line: its type and where it was raised, never its text."""

import traceback
from pathlib import Path

TRACE_FRAMES = 6


def location(error: BaseException) -> str:
    """Return an exception's type and the calls that led to it, innermost first.

    The text of the exception is left out: it may quote what a caller sent.
    """
    frames = traceback.extract_tb(error.__traceback__)[-TRACE_FRAMES:]
    calls = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {calls}"
