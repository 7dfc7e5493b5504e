"""JSON Lines: each line is a record."""

from apps_registry.extraction.blocks import Reading, UnreadableError
from apps_registry.extraction.formats.json_data import add_value, load
from apps_registry.extraction.formats.text import decode


def read(data: bytes) -> Reading:
    """Return the records; a line that is not JSON is reported and left out."""
    reading = Reading()
    for number, line in enumerate(decode(data, reading.losses).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = load(line)
        except ValueError:
            reading.losses.add("parts", detail=f"line {number}")
            continue
        add_value(reading, value, ())
    if not reading.blocks and "parts" in reading.losses.counts:
        raise UnreadableError("No line of the file is JSON.")
    return reading
