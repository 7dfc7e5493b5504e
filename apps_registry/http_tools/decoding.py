"""Which characters the bytes of an answer are, and which bytes are no text at all."""

import codecs
import json
import re
import unicodedata

# What the web is written in. Python knows others that are no charsets, or take an hour for a megabyte (punycode).
_CHARSET = re.compile(r"(ascii|big5|cp|euc_|gb|iso|koi8|mac|shift_jis|tis-620|utf-(8|16|32))")
# Servers name the smaller set of which they use a larger one: https://encoding.spec.whatwg.org/#names-and-labels.
_LARGER = {
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
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# HTML looks for it in the first 1,024 bytes: https://html.spec.whatwg.org/multipage/parsing.html#prescan.
_HEAD_BYTES = 1024
_IN_HTML = re.compile(rb"<meta[^>]+?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_IN_XML = re.compile(rb"\A\s*<\?xml[^>]+?encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]+)[\"']", re.IGNORECASE)
_IS_HTML = re.compile(rb"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_SAMPLE_CHARS = 4096
_MAX_STRANGE, _MAX_STRANGE_SHARE = 4, 0.05
_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1b")


def decode(body: bytes, declared: str) -> str:
    """Return the text, without its byte order mark; what is malformed becomes U+FFFD.

    A mark counts more than what the header says (https://encoding.spec.whatwg.org/#decode), that more than what
    the document says of itself; JSON without any of these shows by its zero bytes whether it is UTF-16 or UTF-32.

    Args:
        body: decoded from its compression.
        declared: the charset of the Content-Type header; empty: it names none.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    encoding = _known(declared) or _known(_declared_inside(body))
    if not encoding or (encoding == "utf-8" and 0 in body[:4]):  # no text in UTF-8 begins like that
        encoding = json.detect_encoding(body)
    return body.decode(encoding, "replace")


def is_html(body: bytes, media_type: str) -> bool:
    """Whether a body is a page, as its type or its beginning says; JSON that bears the type of one is none."""
    if body[:_HEAD_BYTES].lstrip()[:1] in {b"{", b"["}:
        return False
    return media_type in _HTML_TYPES or (media_type in {"", "text/plain"} and bool(_IS_HTML.match(body[:_HEAD_BYTES])))


def is_binary(text: str) -> bool:
    """Whether what was decoded is no text: more than a few characters, and a twentieth, are such as no text has."""
    sample = text[:_SAMPLE_CHARS]
    strange = sum(map(_is_strange, sample))
    return strange > max(_MAX_STRANGE, len(sample) * _MAX_STRANGE_SHARE)


def _declared_inside(body: bytes) -> str:
    head = body[:_HEAD_BYTES]
    found = _IN_XML.search(head) or _IN_HTML.search(head)
    return found[1].decode("ascii") if found else ""


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name if charset else ""
    except (LookupError, ValueError):
        return ""
    return _LARGER.get(name, name) if _CHARSET.match(name) else ""


def _is_strange(character: str) -> bool:
    if character == "\ufffd":
        return True
    # Unassigned, private, half a pair, or a control that means nothing in a text.
    return unicodedata.category(character) in {"Cc", "Cn", "Co", "Cs"} and character not in _TEXT_CONTROLS
