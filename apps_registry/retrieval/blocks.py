"""What a reader makes of a file: blocks of text that know their place."""

import re
from dataclasses import dataclass, field

from apps_registry.limited.errors import Refused

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

# Characters that show nothing: zero-width ones, direction marks and overrides, soft hyphens, Unicode tags
# (which can spell out whole sentences). The joiners U+200C and U+200D stay: several scripts need them.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
# What Postgres cannot hold, and controls that mean nothing in a text.
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


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
        text = UNSTORABLE.sub("", block.text)
        if found := INVISIBLE.findall(text):
            self.hide(_spelled(found))
            text = INVISIBLE.sub("", text).rstrip()
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
    return " ".join(INVISIBLE.sub("", UNSTORABLE.sub("", text)).split())


def under(heading: tuple[str, ...], level: int, title: str) -> tuple[str, ...]:
    """Return the path of headings after one of this level (1 is the outermost)."""
    return (*heading[: level - 1], title)


def _spelled(found: list[str]) -> str:
    """Describe invisible characters; Unicode tags are ASCII in disguise, so they are spelled out."""
    secret = "".join(chr(ord(one) - 0xE0000) for one in found if 0xE0020 <= ord(one) <= 0xE007E)
    return f"{len(found)} invisible characters" + (f" that spell: {secret}" if secret else "")
