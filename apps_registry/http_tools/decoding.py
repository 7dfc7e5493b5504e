"""Recognises HTML and binary data in response bodies."""

import re
import unicodedata

from apps_registry.support.text.charsets import HEAD_BYTES

_IS_HTML = re.compile(rb"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_SAMPLE_CHARS = 4096
_MAX_UNUSUAL, _MAX_UNUSUAL_SHARE = 4, 0.05
_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1b")


def is_html(body: bytes, media_type: str) -> bool:
    """Tell whether a body is HTML, by its media type or its beginning; JSON with the media type of HTML is not."""
    if body[:HEAD_BYTES].lstrip()[:1] in {b"{", b"["}:
        return False
    return media_type in _HTML_TYPES or (media_type in {"", "text/plain"} and bool(_IS_HTML.match(body[:HEAD_BYTES])))


def is_binary(text: str) -> bool:
    """Tell whether decoded data is binary: more than 4 characters, and more than 5 %, do not occur in text."""
    sample = text[:_SAMPLE_CHARS]
    unusual_count = sum(map(_is_unusual, sample))
    return unusual_count > max(_MAX_UNUSUAL, len(sample) * _MAX_UNUSUAL_SHARE)


def _is_unusual(character: str) -> bool:
    if character == "\ufffd":
        return True
    # Unassigned, private, half of a surrogate pair, or a control character that text does not use.
    return unicodedata.category(character) in {"Cc", "Cn", "Co", "Cs"} and character not in _TEXT_CONTROLS
