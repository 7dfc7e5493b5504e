"""What a log line says of an exception: its type and its place, never its text."""

import traceback
from pathlib import Path

TRACE_FRAMES = 6


def place(error: BaseException) -> str:
    """Name an exception's type and the calls that led to it, innermost first.

    Its own text may quote what a caller sent, so that is left out.
    """
    frames = traceback.extract_tb(error.__traceback__)[-TRACE_FRAMES:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"
