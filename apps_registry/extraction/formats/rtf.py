"""RTF: the text of the paragraphs, in the encoding that the file names."""

import re

from striprtf.striprtf import rtf_to_text

from apps_registry.extraction.blocks import Block, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats.rtf_tables import marked, parts
from apps_registry.extraction.tables import Grid

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")
_PICTURE = re.compile(r"\\pict\b")
_OBJECT = re.compile(r"\\object\b")
_COMMENT = re.compile(r"\{\\\*\\annotation\b")
# striprtf drops these groups. It also drops the rest of a group after a `\*` mark that is not at its beginning.
_AROUND = re.compile(r"\{\\(?:header|footer)[lrf]?(?![a-z])|\{(?:\\\*)?\\footnote(?![a-z])")
_STRAY_MARK = re.compile(r"(?<!\{)\\\*")
# `\v` hides text and `\strike` strikes it through, until `\v0`, `\plain` or the end of the group.
_MARKS = {"v": 0, "strike": 1, "striked": 1, "deleted": 1}
_HAS_MARKS = re.compile(r"\\(?:v|strike|striked|deleted)1?(?![a-z0-9])")
_TOKEN = re.compile(r"\\([a-z]+)(-?\d+)? ?|\\'[0-9a-fA-F]{2}|\\.|[{}]|[^\\{}]+", re.DOTALL)
_TABLES = {"stylesheet", "fonttbl", "colortbl", "info", "pict", "listtable", "listoverridetable", "revtbl"}
_CODE_PAGE = re.compile(r"\\ansicpg\d+")
# Text boxes and equations are in groups that striprtf drops; the properties of a shape are not text.
_PROPERTY = re.compile(r"\{\\sp\s*\{\\sn[^{}]*\}\s*\{\\sv[^{}]*\}\s*\}")
_EQUATION = re.compile(r"\{\\\*\\moMath(?![a-zA-Z])")
MAX_GROUPS = 5_000


def read(data: bytes) -> Reading:
    """Return the paragraphs; hidden text is left out and listed."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise UnreadableError("The file's name says RTF, but its content is not RTF.")
    source, reading = data.decode("latin-1"), Reading()
    _refuse_depth(source)
    reading.losses.add("images", len(_PICTURE.findall(source)) - source.count("\\nonshppict"))  # a second form
    reading.losses.add("text_boxes", source.count("\\shptxt"))
    reading.losses.add("equations", len(_EQUATION.findall(source)))
    reading.losses.add("objects", len(_OBJECT.findall(source)))
    reading.losses.add("comments", len(_COMMENT.findall(source)))
    reading.losses.add("cut_off", not source.rstrip("\x00 \r\n").endswith("}"), "its last group is open")
    if title := _TITLE.search(source):
        reading.title = clean_line(title[1])
    if _HAS_MARKS.search(source):
        source = _Visible(source, reading).source
    for part in parts(_plain(marked(source))):
        for block in part.blocks(()) if isinstance(part, Grid) else map(Block, map(str.strip, part.split("\n"))):
            reading.add(block)
    return reading


class _Visible:
    """A file without its hidden and struck text, which is added to the reading's losses."""

    def __init__(self, source: str, reading: Reading) -> None:
        """Read the file once."""
        self._kept: list[str] = []
        self._left_out: tuple[list[str], list[str]] = ([], [])  # hidden, and struck through
        code_page = _CODE_PAGE.search(source)
        self._start = "{\\rtf1\\ansi" + (code_page[0] if code_page else "") + " "
        self._reading = reading
        self._marks, self._outer = [False, False], list[list[bool]]()
        self._table_at = 0  # the depth of an open group that contains no text
        for token in _TOKEN.finditer(source):
            is_text = token[1] in {None, "u"} and token[0] not in {"{", "}", "\\*"}
            if is_text and any(self._marks) and not self._table_at:
                self._left_out[0 if self._marks[0] else 1].append(token[0])
                continue
            if is_text and token[0].strip():
                self._record()
            self._apply(token)
            self._kept.append(token[0])
        self._record()
        self.source = "".join(self._kept)

    def _apply(self, token: "re.Match[str]") -> None:
        """Update the state at the start or end of a group, or at a mark."""
        word, depth = token[1], len(self._outer)
        if token[0] == "{":
            self._outer.append(list(self._marks))
        elif token[0] == "}" and self._outer:
            self._marks = self._outer.pop()
            self._table_at = self._table_at if depth > self._table_at else 0
        elif not self._table_at and (word in _TABLES or token[0] == "\\*"):
            self._table_at = depth
        elif word in _MARKS:
            self._marks[_MARKS[word]] = token[2] != "0"
        elif word == "plain":
            self._marks = [False, False]

    def _record(self) -> None:
        """Record the text that was left out since the last visible text."""
        for pieces, tell in zip(self._left_out, (self._reading.hide, self._reading.strike), strict=True):
            if pieces:
                tell(_plain(self._start + "".join(pieces) + "}"))
                pieces.clear()


def _plain(source: str) -> str:
    if "\\shptxt" in source:
        source = _PROPERTY.sub("", source).replace("{\\*\\shpinst", "{")
    source = _EQUATION.sub("{", source).replace("{\\mden", "/{\\mden").replace("{\\msup", "^{\\msup")
    source = _STRAY_MARK.sub("", _AROUND.sub(r"{\\par ", source))
    text = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # RTF stores an emoji as two surrogates


def _refuse_depth(source: str) -> None:
    depth = 0
    for brace in re.finditer(r"\\.|([{}])", source, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace[1] or "", 0)
        if depth > MAX_GROUPS:
            raise UnreadableError(f"The file is nested more than {MAX_GROUPS:,} levels deep.")
