"""The result of reading a file: blocks of text with their positions."""

import re
import unicodedata
from dataclasses import dataclass, field, replace

from apps_registry.extraction.losses import Losses
from apps_registry.support.limited.errors import Refused
from apps_registry.support.text.visible_text import invisible_in, visible, visible_line

MIB = 1024 * 1024
MAX_FILE_BYTES = 20 * MIB
MAX_UNPACKED_BYTES = 100 * MIB
MAX_RATIO = 100
MIN_BYTES_FOR_RATIO = MIB  # small inputs may compress well without being a bomb
MAX_TEXT_CHARS = 2_000_000
MAX_HEADING_CHARS = 200
MAX_HEADINGS = 8
MAX_HEADER_CHARS = 500
MAX_HIDDEN = 50
MAX_HIDDEN_CHARS = 500
_CONTROLS = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]}  # not text, and too regular to hide a message

# Ligatures of Latin, Armenian and Hebrew letters, and presentation forms of Arabic ones.
_FORMS = re.compile("[\ufb00-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]")


class UnreadableError(Refused):
    """No text can be extracted from the file; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a table or a similar unit.

    Attributes:
        heading: the headings above it, outermost first.
        page: its page, counted from 1, if the format has pages.
        line: its first line, counted from 1, if the format has lines.
        is_table: each line is a row, and is not split at the ends of sentences.
        header: of a table: the lines that name its columns; each chunk that begins within the table repeats them.
    """

    text: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    line: int | None = None
    is_table: bool = False
    header: str = ""


@dataclass(slots=True)
class Reading:
    """The text of a file.

    Attributes:
        title: the file's own title, or empty.
        hidden: text that people who open the file do not see; the blocks do not include it.
        losses: what else is missing or was guessed.
    """

    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    losses: Losses = field(default_factory=Losses)
    characters: int = 0

    def add(self, block: Block) -> None:
        """Clean a block and add it; raises UnreadableError if the file contains more text than an App may store."""
        text = composed(visible(block.text))
        if invisible := [character for character in invisible_in(block.text) if character not in _CONTROLS]:
            self.hide(_describe_invisible(invisible))
            text = text.rstrip()
        if not text.strip():
            return
        self.characters += len(text)
        if self.characters > MAX_TEXT_CHARS:
            raise UnreadableError(f"The file contains more than {MAX_TEXT_CHARS:,} characters of text. Split it.")
        # Every chunk repeats its headings, so a few long ones could exceed all limits.
        heading = tuple(clean_line(title)[:MAX_HEADING_CHARS] for title in block.heading[-MAX_HEADINGS:])
        header = composed(visible(block.header))[:MAX_HEADER_CHARS]
        self.blocks.append(Block(text, heading, block.page, block.line, block.is_table, header))

    def hide(self, text: str, *, is_loss: bool = True) -> None:
        """Record hidden text for the operator, shortened.

        Args:
            text: what the reader of the file does not see.
            is_loss: count it in the loss report; the description of a picture is counted with the picture.
        """
        shown = clean_line(text)[:MAX_HIDDEN_CHARS]
        self.losses.add("hidden", is_loss and bool(shown))
        if shown and len(self.hidden) < MAX_HIDDEN:
            self.hidden.append(shown)

    def strike(self, text: str) -> None:
        """Leave out text that is deleted or struck through, since it is no longer valid, and list it."""
        if text.strip():
            self.losses.add("deleted")
            self.hide(text, is_loss=False)

    def take_losses(self, inner: "Reading") -> None:
        """Add the hidden text and the losses of a part that was read separately."""
        self.hidden += inner.hidden[: MAX_HIDDEN - len(self.hidden)]
        self.losses.take(inner.losses)

    def forget_pages(self) -> None:
        """Remove the page numbers of the blocks, because the file has no pages."""
        self.blocks = [replace(block, page=None) for block in self.blocks]


def clean_line(text: str) -> str:
    """Return text on one line, without characters that cannot be stored or seen."""
    return composed(visible_line(text))


def composed(text: str) -> str:
    """Return text as people type it: accents composed with their letters, ligatures and presentation forms split.

    Files from macOS store accents separately, and typeset files use characters such as U+FB01 for two letters. A search
    for the word would match neither.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _FORMS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text))


class Outline:
    """The open headings of a document: a heading closes those of its own level and of deeper ones."""

    def __init__(self, reading: Reading | None = None) -> None:
        """Begin an outline; `reading` also gets headings without text under them, so that search finds them."""
        self._open: list[tuple[int, str]] = []
        self._reading, self._blocks = reading, 0
        self._whole: Outline | None = None

    def within(self, reading: Reading) -> "Outline":
        """Return the outline for a fragment that is read separately; its headings are added to this one."""
        fragment = Outline(reading)
        fragment._open, fragment._whole = self._open, self
        return fragment

    def begin(self, level: int, title: str) -> tuple[str, ...]:
        """Return the path after a heading, outermost first; levels may be skipped, and need not begin with 1."""
        if self._open and level <= self._open[-1][0]:
            self.end()
        for outline in (self, self._whole):
            if outline is not None and outline._reading is not None:
                outline._blocks = len(outline._reading.blocks)
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, title))
        if self._reading is not None and len(title) > MAX_HEADING_CHARS:  # the path of a passage shows its beginning
            self._reading.add(Block(title, self.path))
        return self.path

    def end(self) -> None:
        """End the innermost heading; at the end of a document, its last one."""
        if self._reading is not None and self._open and len(self._reading.blocks) == self._blocks:
            self._reading.add(Block(self._open[-1][1], self.path))

    @property
    def path(self) -> tuple[str, ...]:
        """The titles of the open headings, outermost first."""
        return tuple(title for _, title in self._open)


def _describe_invisible(characters: list[str]) -> str:
    """Describe invisible characters, including the text that they encode.

    Unicode tags mirror ASCII, and each of the 256 variation selectors can carry a byte.
    """
    codes = [ord(character) for character in characters]
    secret = "".join(chr(code - 0xE0000) for code in codes if 0xE0020 <= code <= 0xE007E)
    selectors = (code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in codes if _is_selector(code))
    secret += visible(bytes(selectors).decode("utf-8", "replace"))
    return f"{len(characters)} invisible characters" + (f" that spell: {secret}" if secret else "")


def _is_selector(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
