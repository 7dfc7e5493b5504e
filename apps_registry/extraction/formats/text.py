"""Plain text: paragraphs between blank lines."""

import re

from apps_registry.extraction.blocks import Block, Reading, UnreadableError
from apps_registry.extraction.formats.signatures import describe_unreadable
from apps_registry.extraction.losses import Losses
from apps_registry.support.text.charset_detection import UnknownCharsetError
from apps_registry.support.text.charsets import decode_file

MAX_CONTROLS = 4
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
# Terminal and printer sequences: colours, cursor movements, and letters printed over others.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\))")
_OVERSTRUCK = re.compile(r"[^\n]\x08")
# Editors do not treat these as line ends; without this, the lines of a block would be counted differently.
_NO_LINE_ENDS = str.maketrans("\v\f\x85", "   ")
_PADDING = "\x1a\x00"  # DOS ended files with these


def decode(data: bytes, losses: Losses | None = None, *, declares: bool = False) -> str:
    """Return the text of a file, with normalised line ends and without terminal sequences.

    Args:
        data: the file.
        losses: gets the encoding, if it was guessed.
        declares: the file is HTML and may declare its encoding.

    Raises:
        UnreadableError: the bytes are not text, or their encoding cannot be determined.
    """
    if description := describe_unreadable(data):
        raise UnreadableError(f"The file's name says text, but its content is something else. {description}")
    try:
        decoded = decode_file(data, declares=declares)
    except UnknownCharsetError as error:
        _refuse_binary(data.decode("latin-1"))
        maybe = f" It may be {error}." if str(error) else ""
        raise UnreadableError(
            "The file does not declare its encoding, and it cannot be detected: save it as UTF-8, or name the encoding "
            f"when you add the file.{maybe}"
        ) from None
    if losses is not None and decoded.guess:
        losses.add("encoding", 1, decoded.guess)
    text = decoded.text.rstrip(_PADDING)
    text = _OVERSTRUCK.sub("", _ESCAPES.sub("", text.removeprefix("\ufeff")))
    _refuse_binary(text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse_binary(text: str) -> None:
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\r\f\x0b\x1b")
    if controls > max(MAX_CONTROLS, len(text) // 1000):
        raise UnreadableError("The file contains binary data, not text: its extension is wrong.")


def read(data: bytes) -> Reading:
    """Return the paragraphs with the numbers of their first lines."""
    reading, start, line = Reading(), 0, 1
    text = decode(data, reading.losses).translate(_NO_LINE_ENDS)
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        paragraph = text[start:end]
        leading = len(paragraph) - len(paragraph.lstrip("\n"))
        reading.add(Block(paragraph.strip("\n"), line=line + leading))
        if gap:
            line += text.count("\n", start, gap.end())
            start = gap.end()
    return reading
