"""Plain text: paragraphs between blank lines."""

import re

from apps_registry.extraction.blocks import Block, Reading, UnreadableError
from apps_registry.extraction.formats.signatures import describe_unreadable
from apps_registry.support.charsets import UnknownCharsetError, decode_file

MAX_CONTROLS = 4
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
# Terminal and printer sequences: colours, cursor movements, and letters printed over others.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\))")
_OVERSTRUCK = re.compile(r"[^\n]\x08")
# Editors count no lines by these, which would become line ends in a block.
_NO_LINE_ENDS = str.maketrans("\v\f\x85", "   ")
_PADDING = "\x1a\x00"  # DOS ended files with these


def decode(data: bytes, *, declares: bool = False) -> str:
    """Return the text of a file, with normalised line ends and without terminal sequences.

    Args:
        data: the file.
        declares: the file is HTML and may declare its encoding.

    Raises:
        UnreadableError: the bytes are not text, or their encoding cannot be determined.
    """
    if description := describe_unreadable(data):
        raise UnreadableError(f"The file's name says text, but its content is something else. {description}")
    try:
        text = decode_file(data, declares=declares).rstrip(_PADDING)
    except UnknownCharsetError:
        _refuse_binary(data.decode("latin-1"))
        raise UnreadableError("The file's characters cannot be told from its bytes: save it as UTF-8.") from None
    text = _OVERSTRUCK.sub("", _ESCAPES.sub("", text.removeprefix("\ufeff")))
    _refuse_binary(text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse_binary(text: str) -> None:
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\r\f\x0b\x1b")
    if controls > max(MAX_CONTROLS, len(text) // 1000):
        raise UnreadableError("The file holds binary data, not text: its name ends wrongly.")


def read(data: bytes) -> Reading:
    """Return the paragraphs with the numbers of their first lines."""
    text, reading, start, line = decode(data).translate(_NO_LINE_ENDS), Reading(), 0, 1
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        paragraph = text[start:end]
        leading = len(paragraph) - len(paragraph.lstrip("\n"))
        reading.add(Block(paragraph.strip("\n"), line=line + leading))
        if gap:
            line += text.count("\n", start, gap.end())
            start = gap.end()
    return reading
