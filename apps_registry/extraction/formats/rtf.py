"""RTF: the text of the paragraphs, in the encoding that the file names."""

import re
from itertools import groupby

from striprtf.striprtf import rtf_to_text

from apps_registry.extraction.blocks import Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.tables import Cell, Grid, cell_text

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")
_PICTURE = re.compile(r"\\pict\b")
_OBJECT = re.compile(r"\\object\b")
# `\v` begins hidden text, `\v0` or the end of the group ends it.
_HIDDEN = re.compile(r"\\v(?![a-z0-9])\s?([^{}]*?)(?=\\v0|[{}])")
_COMMENT = re.compile(r"\{\\\*\\annotation\b")
# striprtf drops these groups. It also drops the rest of a group after a `\*` mark that is not at its beginning.
_AROUND = re.compile(r"\{\\(?:header|footer)[lrf]?(?![a-z])|\{(?:\\\*)?\\footnote(?![a-z])")
_STRAY_MARK = re.compile(r"(?<!\{)\\\*")
MAX_GROUPS = 5_000


def read(data: bytes) -> Reading:
    """Return the paragraphs; hidden text is left out and listed."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise UnreadableError("The file's name says RTF, but its content is not RTF.")
    source, reading = data.decode("latin-1"), Reading()
    _refuse_depth(source)
    reading.losses.add("images", len(_PICTURE.findall(source)))
    reading.losses.add("objects", len(_OBJECT.findall(source)))
    reading.losses.add("comments", len(_COMMENT.findall(source)))
    reading.losses.add("cut_off", not source.rstrip("\x00 \r\n").endswith("}"), "its last group is open")
    if title := _TITLE.search(source):
        reading.title = clean_line(title[1])
    for hidden in _HIDDEN.findall(source):
        reading.hide(_plain("{\\rtf1 " + hidden + "}"))
    lines = _plain(_HIDDEN.sub("", source)).split("\n")
    for is_row, run in groupby(lines, key=lambda line: line.rstrip().endswith("|")):
        if is_row:  # striprtf ends each cell with a bar
            grid = Grid()
            for line in run:
                grid.add(Cell(cell_text(text)) for text in line.rstrip().removesuffix("|").split("|"))
            for block in grid.blocks(()):
                reading.add(block)
        else:
            for line in run:
                reading.add(Block(line.strip()))
    return reading


def _plain(source: str) -> str:
    source = _STRAY_MARK.sub("", _AROUND.sub(r"{\\par ", source))
    text = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # RTF stores an emoji as two surrogates


def _refuse_depth(source: str) -> None:
    depth = 0
    for brace in re.finditer(r"\\.|([{}])", source, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace[1] or "", 0)
        if depth > MAX_GROUPS:
            raise UnreadableError(f"The file is nested more than {MAX_GROUPS:,} levels deep.")
