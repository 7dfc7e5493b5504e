"""A short digest of plain data: equal data has an equal one, so that what was seen can be told from what is now."""

import hashlib

import orjson


def fingerprint(*parts: object) -> str:
    """Return 32 hexadecimal digits that tell this data from any other.

    Args:
        parts: JSON data; the order of an object's members means nothing, that of a list's items does.
    """
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()
