"""What a reader makes of a file: blocks of text that know their place."""

import re
import unicodedata
from dataclasses import dataclass, field

from apps_registry.support.limited.errors import Refused
from apps_registry.support.visible_text import invisible_in, visible, visible_line

MIB = 1024 * 1024
MAX_FILE_BYTES = 20 * MIB
MAX_UNPACKED_BYTES = 100 * MIB
MAX_RATIO = 100
MIN_BYTES_FOR_RATIO = MIB  # little data may compress well without being a bomb
MAX_TEXT_CHARS = 2_000_000
MAX_HEADING_CHARS = 200
MAX_HEADINGS = 8
MAX_HIDDEN = 50
MAX_HIDDEN_CHARS = 500
_CONTROLS = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]}  # junk, and no place to hide anything

# Ligatures of Latin, Armenian and Hebrew letters, and the forms of Arabic ones.
_FORMS = re.compile("[\ufb00-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]")


class UnreadableError(Refused):
    """A file gives no text; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a table or the like.

    Attributes:
        heading: the headings that it stands under, outermost first.
        page: its page, counted from 1, where the format has pages.
        line: its first line, counted from 1, where the format has lines.
    """

    text: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    line: int | None = None


@dataclass(slots=True)
class Reading:
    """All that a file says.

    Attributes:
        title: the file's own, or empty.
        hidden: text that a person who looks at the file does not see; it is left out of the blocks.
    """

    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    characters: int = 0

    def add(self, block: Block) -> None:
        """Take a block, cleaned; raises UnreadableError when the file holds more text than an App may store of it."""
        text = composed(visible(block.text))
        if found := [each for each in invisible_in(block.text) if each not in _CONTROLS]:
            self.hide(_spelled(found))
            text = text.rstrip()
        if not text.strip():
            return
        self.characters += len(text)
        if self.characters > MAX_TEXT_CHARS:
            raise UnreadableError(f"The file holds more than {MAX_TEXT_CHARS:,} characters of text. Split it.")
        # Every chunk repeats its headings: unbounded, a few would outgrow all limits.
        heading = tuple(clean_line(one)[:MAX_HEADING_CHARS] for one in block.heading[-MAX_HEADINGS:])
        self.blocks.append(Block(text, heading, block.page, block.line))

    def hide(self, text: str) -> None:
        """Note hidden text for the operator; of very much only the beginning."""
        shown = clean_line(text)[:MAX_HIDDEN_CHARS]
        if shown and len(self.hidden) < MAX_HIDDEN:
            self.hidden.append(shown)


def clean_line(text: str) -> str:
    """Return text on one line without what cannot be stored or seen."""
    return composed(visible_line(text))


def composed(text: str) -> str:
    """Return a text as people type it: accents on their letters, ligatures and forms of letters taken apart.

    Files from macOS hold the accents apart, those of typesetters have signs such as U+FB01 for two letters; a search
    for the word would find neither.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text))


def under(heading: tuple[str, ...], level: int, title: str) -> tuple[str, ...]:
    """Return the path of headings after one of this level (1 is the outermost)."""
    return (*heading[: level - 1], title)


def _spelled(found: list[str]) -> str:
    """Describe invisible characters, with what they spell.

    Unicode tags are ASCII in disguise, and the 256 variation selectors can each carry a byte.
    """
    codes = [ord(one) for one in found]
    secret = "".join(chr(code - 0xE0000) for code in codes if 0xE0020 <= code <= 0xE007E)
    selectors = (code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in codes if _is_selector(code))
    secret += visible(bytes(selectors).decode("utf-8", "replace"))
    return f"{len(found)} invisible characters" + (f" that spell: {secret}" if secret else "")


def _is_selector(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
