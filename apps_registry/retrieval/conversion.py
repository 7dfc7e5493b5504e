"""Converts uploads whose encoding the operator names to UTF-8, which every reader understands without guessing."""

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.names import KINDS, suffix
from apps_registry.support.text.charset_detection import NAMES
from apps_registry.support.text.charsets import is_unicode

# Modules of `extraction/formats` whose files are text. All other kinds name their encodings themselves.
_TEXTS = {"text", "markdown", "mdx", "rst", "html", "csv_table", "json_data", "json_lines"}


def to_utf8(name: str, data: bytes, encoding: str) -> bytes:
    """Return a file in UTF-8.

    Args:
        name: its name.
        data: its content; returned unchanged if it is Unicode already, or if files of this kind are not text.
        encoding: a codec of Python; empty: unchanged.

    Raises:
        UnreadableError: the file is not in this encoding.
    """
    if not encoding or KINDS.get(suffix(name)) not in _TEXTS or is_unicode(data):
        return data
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        raise UnreadableError(f"The file is not in the encoding {NAMES.get(encoding, encoding)}.") from None
