"""A short digest of plain data, to compare a later state with the one that was shown or cached."""

import hashlib

import orjson


def fingerprint(*parts: object) -> str:
    """Return 32 hexadecimal digits, which are equal for equal data only.

    Args:
        parts: JSON data; the order of an object's members does not matter, but that of a list's items does.
    """
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()
