"""Guesses the charset of text files that do not declare one."""

import re

import chardet

# The common charsets of the last decades: Python's name, and the name for people. Each is the superset of its family:
# GB 2312 can be read as GB 18030 without loss.
NAMES = {
    "gb18030": "GB 18030 (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jis_2004": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp874": "Windows-874 (Thai)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1252": "Windows-1252 (Western European)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp1258": "Windows-1258 (Vietnamese)",
    "koi8_r": "KOI8-R (Russian)",
    "koi8_u": "KOI8-U (Ukrainian)",
    "iso8859_2": "ISO 8859-2 (Central European)",
    "iso8859_5": "ISO 8859-5 (Cyrillic)",
    "cp850": "the DOS code page 850 (Western European)",
    "cp866": "the DOS code page 866 (Cyrillic)",
    "mac_roman": "Mac Roman (Western European)",
    "utf_16_le": "UTF-16",
    "utf_16_be": "UTF-16",
}
_WIDE = ("utf_16_le", "utf_16_be")
_SMALLER = {"big5": "big5hkscs", "hkscs": "big5hkscs", "euc_kr": "cp949", "shift_jis": "cp932", "tis_620": "cp874"}
_SMALLER |= {"gb2312": "gb18030", "gbk": "gb18030", "iso8859_11": "cp874", "latin_1": "cp1252"}
_LATIN = {"cp1250", "cp1252", "cp1254", "cp1257", "cp1258", "iso8859_2", "cp850", "mac_roman"}
_TWO_BYTES = {"gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949"}
_SAMPLE_BYTES = 65_536
# The maximum share of non-ASCII letters in a text with a Latin alphabet. Icelandic has 15 %; Russian or Greek in their
# own charsets have 100 %.
_MAX_HIGH_SHARE = 0.4
# Measured with chardet 7.7 on sentences in 16 encodings. The right one has a confidence of at least 0.05 with ten
# letters, and of at least 0.15 with forty. Random bytes stay below 0.1 at any length. The second candidate is far
# behind, except among Latin alphabets.
_MIN_CONFIDENCE, _MIN_CONFIDENCE_LONG, _MIN_BYTES, _LONG_BYTES = 0.05, 0.15, 6, 60
_MIN_LEAD, _LEAD_ALONE = 1.15, 5
_MIN_POSSIBLE = 0.01  # of a candidate that is named when the text is too short to decide
_MIN_WIDE_SHARE = 0.95
_LETTER = re.compile(rb"[A-Za-z\x80-\xff]")
_HIGH = re.compile(rb"[\x80-\xff]")
_EAST_ASIAN = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]")
_READABLE = re.compile("[\n\r\t\x20-\x7e\u2010-\u2026\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]")


class UnknownCharsetError(ValueError):
    """The charset cannot be determined; the message names the candidates, and may be empty."""


def detect(data: bytes) -> str:
    """Return the most likely encoding of bytes that are not UTF-8, one of NAMES.

    Raises:
        UnknownCharsetError: no charset is likely, or several are.
    """
    sample = data[:_SAMPLE_BYTES]
    if wide := _wide(sample):
        return wide
    candidates, high = _candidates(sample), len(_HIGH.findall(sample))
    if high <= _MAX_HIGH_SHARE * len(_LETTER.findall(sample)):
        return _latin(candidates)
    least = _MIN_CONFIDENCE_LONG if high >= _LONG_BYTES else _MIN_CONFIDENCE
    if candidates and high >= _MIN_BYTES and _is_alone(sample, candidates):
        return candidates[0][0]
    if not candidates or high < _MIN_BYTES or candidates[0][1] < least:
        raise UnknownCharsetError(_possible(sample, candidates))
    (best, confidence), *others = candidates
    text = sample.decode(best, "replace")
    rivals = [
        name for name, other in others if other * _MIN_LEAD > confidence and sample.decode(name, "replace") != text
    ]
    if rivals:
        raise UnknownCharsetError(" or ".join(NAMES[name] for name in [best, *rivals[:2]]))
    return best


def _is_alone(sample: bytes, candidates: list[tuple[str, float]]) -> bool:
    """Tell whether the best candidate is a charset of two bytes that fits, and all others are far behind.

    In such a charset, few sequences of bytes are valid, so a short text of names tells more than its confidence says.
    """
    (best, confidence), *others = candidates
    if best not in _TWO_BYTES or confidence < _MIN_POSSIBLE or "\ufffd" in sample.decode(best, "replace")[:-1]:
        return False
    return all(other * _LEAD_ALONE < confidence for _, other in others)


def _possible(sample: bytes, candidates: list[tuple[str, float]]) -> str:
    """Return the names of the most likely encodings in which all bytes are characters."""
    best = [name for name, confidence in candidates if confidence >= _MIN_POSSIBLE]
    names = [NAMES[name] for name in best if "\ufffd" not in sample.decode(name, "replace").rstrip("\ufffd")]
    return " or ".join(names[:3])


def _candidates(sample: bytes) -> list[tuple[str, float]]:
    """Return (encoding, confidence), the most likely first."""
    confidences: dict[str, float] = {}
    for candidate in chardet.detect_all(sample, compat_names=False, ignore_threshold=True):
        name = str(candidate["encoding"] or "").replace("-", "_").lower()
        name = _SMALLER.get(name, name)
        if name in NAMES and name not in _WIDE:
            confidences.setdefault(name, float(candidate["confidence"]))
    return sorted(confidences.items(), key=lambda pair: -pair[1])


def _latin(candidates: list[tuple[str, float]]) -> str:
    """Return the most likely encoding of a text in a Latin alphabet; by default Windows-1252."""
    latin = [(name, confidence) for name, confidence in candidates if name in _LATIN]
    western = dict(latin).get("cp1252", 0.0)
    if latin and latin[0][1] >= max(_MIN_CONFIDENCE, western * _MIN_LEAD):
        return latin[0][0]
    return "cp1252"


def _wide(sample: bytes) -> str:
    """Return the byte order of East Asian UTF-16 without a byte order mark, which has few zero bytes; else empty."""
    # In any other encoding, control characters would show that the bytes are not text.
    if not any(byte < 0x20 and byte not in b"\t\n\r" for byte in sample):
        return ""
    for order in _WIDE:
        text = sample[: len(sample) // 2 * 2].decode(order, "replace")
        if _EAST_ASIAN.search(text) and len(_READABLE.findall(text)) >= _MIN_WIDE_SHARE * len(text):
            return order
    return ""
