"""Decodes response bodies to text, and recognises HTML and binary data."""

import codecs
import json
import re
import unicodedata

# The charsets of the web. Python also has codecs that are not charsets, or take an hour for a megabyte (punycode).
_CHARSET = re.compile(r"(ascii|big5|cp|euc_|gb|iso|koi8|mac|shift_jis|tis-620|utf-(8|16|32))")
# Servers often declare a subset of the charset that they use: https://encoding.spec.whatwg.org/#names-and-labels.
_SUPERSETS = {
    "ascii": "utf-8",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is a prefix of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# HTML searches for a charset in the first 1,024 bytes: https://html.spec.whatwg.org/multipage/parsing.html#prescan.
_HEAD_BYTES = 1024
_IN_HTML = re.compile(rb"<meta[^>]+?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_IN_XML = re.compile(rb"\A\s*<\?xml[^>]+?encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]+)[\"']", re.IGNORECASE)
_IS_HTML = re.compile(rb"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_SAMPLE_CHARS = 4096
_MAX_UNUSUAL, _MAX_UNUSUAL_SHARE = 4, 0.05
_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1b")


def decode(body: bytes, declared: str) -> str:
    """Decode a body, without its byte order mark; invalid bytes become U+FFFD.

    A byte order mark has priority over the header (https://encoding.spec.whatwg.org/#decode), and the header over a
    declaration in the document. Without any of these, zero bytes show whether JSON is UTF-16 or UTF-32.

    Args:
        body: the decompressed body.
        declared: the charset of the Content-Type header; empty: it has none.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    encoding = _known(declared) or _known(_declared_inside(body))
    if not encoding or (encoding == "utf-8" and 0 in body[:4]):  # UTF-8 text does not begin with zero bytes
        encoding = json.detect_encoding(body)
    return body.decode(encoding, "replace")


def is_html(body: bytes, media_type: str) -> bool:
    """Tell whether a body is HTML, by its media type or its beginning; JSON with the media type of HTML is not."""
    if body[:_HEAD_BYTES].lstrip()[:1] in {b"{", b"["}:
        return False
    return media_type in _HTML_TYPES or (media_type in {"", "text/plain"} and bool(_IS_HTML.match(body[:_HEAD_BYTES])))


def is_binary(text: str) -> bool:
    """Tell whether decoded data is binary: more than 4 characters, and more than 5 %, do not occur in text."""
    sample = text[:_SAMPLE_CHARS]
    unusual_count = sum(map(_is_unusual, sample))
    return unusual_count > max(_MAX_UNUSUAL, len(sample) * _MAX_UNUSUAL_SHARE)


def _declared_inside(body: bytes) -> str:
    head = body[:_HEAD_BYTES]
    match = _IN_XML.search(head) or _IN_HTML.search(head)
    return match[1].decode("ascii") if match else ""


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name if charset else ""
    except (LookupError, ValueError):
        return ""
    return _SUPERSETS.get(name, name) if _CHARSET.match(name) else ""


def _is_unusual(character: str) -> bool:
    if character == "\ufffd":
        return True
    # Unassigned, private, half of a surrogate pair, or a control character that text does not use.
    return unicodedata.category(character) in {"Cc", "Cn", "Co", "Cs"} and character not in _TEXT_CONTROLS
