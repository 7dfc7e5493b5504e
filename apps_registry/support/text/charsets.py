"""Detects the charset of text from outside, and decodes it."""

import codecs
import json
import re
from contextlib import suppress
from dataclasses import dataclass

from apps_registry.support.text.charset_detection import NAMES, UnknownCharsetError, detect

# The charsets of the web. Some of Python's other codecs are not charsets, or take an hour per megabyte (punycode).
_CHARSET = re.compile(r"(ascii|big5|cp|euc_|gb|iso|koi8|mac|shift_jis|tis-620|utf-(8|16|32))")
# Servers that name the smaller charset send the larger one: https://encoding.spec.whatwg.org/#names-and-labels.
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
# Labels on the same page that Python does not know.
_LABELS = {"windows-874": "cp874", "x-sjis": "cp932", "x-gbk": "gb18030", "x-euc-jp": "euc_jp", "x-cp1251": "cp1251"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# HTML looks for it in the first 1,024 bytes: https://html.spec.whatwg.org/multipage/parsing.html#prescan.
HEAD_BYTES = 1024
_IN_HTML = re.compile(rb"<meta[^>]+?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_IN_XML = re.compile(rb"\A\s*<\?xml[^>]+?encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]+)[\"']", re.IGNORECASE)
_SAMPLE_BYTES = 65_536
_MIN_ZEROS_SHARE, _MAX_OTHER_ZEROS_SHARE = 0.3, 0.05
_MAX_BAD_SHARE = 0.2


def decode_answer(body: bytes, declared: str) -> str:
    """Return the text of an HTTP response, without its byte order mark; malformed bytes become U+FFFD.

    A byte order mark takes precedence over the header (https://encoding.spec.whatwg.org/#decode), and the header over
    the document's own declaration. JSON without any of these is UTF-16 or UTF-32 if its zero bytes say so.

    Args:
        body: the decompressed body.
        declared: the charset in the Content-Type header; empty if there is none.
    """
    if (marked := _marked(body)) is not None:
        return marked
    encoding = _known(declared) or _known(_declared_inside(body))
    if not encoding or (encoding == "utf-8" and 0 in body[:4]):  # UTF-8 text does not begin with zero bytes
        encoding = json.detect_encoding(body)
    return body.decode(encoding, "replace")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: without the byte order mark.
        guess: the guessed charset, such as "Shift JIS (Japanese)"; empty if the file determines it.
    """

    text: str
    guess: str = ""


def decode_file(data: bytes, *, declares: bool = False) -> Decoded:
    """Return the text of a file.

    Valid UTF-8 is read as UTF-8 even if the file declares something else: people convert files and forget the
    declaration. Otherwise the declared charset applies. Without one, a few wrong bytes within UTF-8 are read as
    Windows-1252, as programs that mix the two intend; all other charsets are guessed from the letters.

    Args:
        data: the file.
        declares: whether the file is HTML, which may declare its charset.

    Raises:
        UnknownCharsetError: it is neither UTF-8, UTF-16, UTF-32 or Windows-1252, nor the declared charset.
    """
    if (marked := _marked(data)) is not None:
        return Decoded(marked)
    if order := _order_of_zeros(data):
        return Decoded(data.decode(order, "replace"))
    with suppress(UnicodeDecodeError):
        return Decoded(_escaped(data) or data.decode("utf-8"))
    declared = _known(_declared_inside(data)) if declares else ""
    if declared and not declared.startswith("utf-"):
        with suppress(UnicodeDecodeError):
            return Decoded(data.decode(declared))
    if mixed := _mixed(data):
        return Decoded(mixed)
    try:
        encoding = detect(data)
    except UnknownCharsetError:
        if declared:
            return Decoded(data.decode(declared, "replace"))
        raise
    return Decoded(data.decode(encoding, "replace"), NAMES[encoding])


def is_unicode(data: bytes) -> bool:
    """Tell whether bytes are UTF-8, or UTF-16 or UTF-32 that shows it."""
    if _marked(data) is not None or _order_of_zeros(data):
        return True
    with suppress(UnicodeDecodeError):
        data.decode("utf-8")
        return True
    return False


def codec_of(charset: str) -> str:
    """Return Python's codec for a charset's name, such as Shift_JIS or windows-1252.

    Raises:
        ValueError: it is unknown, or not a charset of text.
    """
    if not (codec := _known(charset)):
        raise ValueError(f"Unknown encoding: {charset}.")
    return codec


def _escaped(data: bytes) -> str:
    """Return seven-bit Japanese or Korean text, which is ASCII with escape sequences; empty if it is neither."""
    if b"\x1b$" in data[:_SAMPLE_BYTES]:
        with suppress(UnicodeDecodeError):
            return data.decode("iso2022_jp_2" if b"\x1b$)C" not in data else "iso2022_kr")
    return ""


def _marked(data: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return None


def _order_of_zeros(data: bytes) -> str:
    """Return the byte order of UTF-16 without a byte order mark, by its zero bytes; empty if it is not UTF-16."""
    sample = data[:_SAMPLE_BYTES]
    half = max(1, len(sample) // 2)
    first, second = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if second >= _MIN_ZEROS_SHARE and first <= _MAX_OTHER_ZEROS_SHARE:
        return "utf-16-le"
    return "utf-16-be" if first >= _MIN_ZEROS_SHARE and second <= _MAX_OTHER_ZEROS_SHARE else ""


def _mixed(data: bytes) -> str:
    """Decode UTF-8 that contains a few bytes of Windows-1252; return empty text if it is not mostly UTF-8."""
    text = data.decode("utf-8", "surrogateescape")
    bad = sum(map(len, _ESCAPED.findall(text)))
    wide = sum(not character.isascii() for character in text) - bad
    if bad > wide * _MAX_BAD_SHARE:
        return ""
    return _ESCAPED.sub(lambda match: match[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace"), text)


_ESCAPED = re.compile("[\udc80-\udcff]+")


def _declared_inside(body: bytes) -> str:
    head = body[:HEAD_BYTES]
    match = _IN_XML.search(head) or _IN_HTML.search(head)
    return match[1].decode("ascii") if match else ""


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(_LABELS.get(charset.lower(), charset)).name if charset else ""
    except (LookupError, ValueError):
        return ""
    return _LARGER.get(name, name) if _CHARSET.match(name) else ""
