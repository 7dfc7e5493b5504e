"""Plain text: paragraphs between blank lines."""

import re

from apps_registry.extraction.blocks import Block, Reading, UnreadableError

_BLANK = re.compile(r"\n(?:[ \t\f]*\n)+")


def decode(data: bytes) -> str:
    """Return text as UTF-8, UTF-16 with its mark, or Windows-1252, with plain line ends.

    Raises:
        UnreadableError: these bytes are no text.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\r\f\x0b\x1b")
    if controls > 0 and controls > len(text) // 1000:
        raise UnreadableError("The file holds binary data, not text: its name ends wrongly.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read(data: bytes) -> Reading:
    """Return the paragraphs with their first lines."""
    text, reading, start, line = decode(data), Reading(), 0, 1
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        paragraph = text[start:end]
        leading = len(paragraph) - len(paragraph.lstrip("\n"))
        reading.add(Block(paragraph.strip("\n"), line=line + leading))
        if gap:
            line += text.count("\n", start, gap.end())
            start = gap.end()
    return reading
