"""Removes secrets from responses, in all encodings in which servers may echo them."""

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "[secret]"
# Shorter secrets would match everywhere; operators cannot store them.
MIN_CHARS = 8


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Mask the secrets in a text: in plain form, escaped, percent-encoded, in base64 and in hexadecimal."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> Iterator[str]:
    sent = secret.strip()  # headers are sent without surrounding spaces
    for value in dict.fromkeys([sent, *_decoded(sent)]):
        yield value
        yield value.rstrip("=") if len(value) > MIN_CHARS + 2 else value  # base64 may be sent without padding
        yield value.lower()  # such as in a host name
        yield value.upper()
        yield from _escaped(value)
        yield from _in_base64(value.encode())
        yield value.encode().hex()
        yield value.encode().hex().upper()


def _decoded(secret: str) -> Iterator[str]:
    """Yield the decoded form of a secret in base64, as in Basic authentication, and its password."""
    try:
        padded = secret.translate(str.maketrans("-_", "+/")) + "=" * (-len(secret) % 4)
        decoded = base64.b64decode(padded, validate=True).decode()
    except ValueError:
        return
    for part in (decoded, decoded.partition(":")[2]):
        if len(part) >= MIN_CHARS and part.isprintable():
            yield part


def _escaped(value: str) -> Iterator[str]:
    in_json = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    yield from in_json
    for form in in_json:
        yield form.replace("/", "\\/")
        yield json.dumps(form.replace("/", "\\/"))[1:-1]
        yield json.dumps(form)[1:-1]
    yield html.escape(value)
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value), quote(quote(value, safe=""), safe="")):
        yield encoded
        yield _with_small_escapes(encoded)


def _with_small_escapes(encoded: str) -> str:
    head, *rest = encoded.split("%")
    return "%".join([head, *(piece[:2].lower() + piece[2:] for piece in rest)])


def _in_base64(value: bytes) -> Iterator[str]:
    """Yield the base64 characters that a value always has, whatever bytes come before and after it."""
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + value)
        # Each character has six bits; characters with bits of a neighbour are left out.
        inner = whole[-(-offset * 8 // 6) : (offset + len(value)) * 8 // 6].decode()
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))
