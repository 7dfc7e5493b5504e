"""The text of browser tokens: `bt-<signing key>.<content>.<signature>`. No Django, no HTTP.

The signature (HMAC-SHA256) is over the text before it, so no other spelling of a token works, and nothing of it is
parsed before its signature is checked. A token names no algorithm, because there is only one.
"""

import base64
import hmac
import re
from hashlib import sha256
from uuid import UUID

import orjson

from keys.tokens.bounds import TokenBounds

PREFIX = "bt-"
MAX_CHARS = 1024
_SIGNATURE_CHARS = 43  # 32 bytes in base64 without padding
_TOKEN = re.compile(
    rf"(?P<signed>{PREFIX}(?P<signer>[1-9][0-9]{{0,9}})\.(?P<content>[A-Za-z0-9_-]{{2,900}}))"
    rf"\.(?P<signature>[A-Za-z0-9_-]{{{_SIGNATURE_CHARS}}})",
    re.ASCII,
)


def derive_key(secret_key: str, salt: str) -> bytes:
    """Return a signing key.

    Args:
        secret_key: the setting, which only this deployment's servers know.
        salt: of the signing key; random.
    """
    return hmac.digest(secret_key.encode(), f"aomi browser token 1 {salt}".encode(), sha256)


def make_token(bounds: TokenBounds, key: bytes) -> str:
    """Return the text of a token.

    Args:
        bounds: what it opens.
        key: the signing key whose id the bounds name.
    """
    content = {
        "key": bounds.lookup_id,
        "app": bounds.app_id,
        "session": bounds.session_id and str(bounds.session_id),
        "wallet": bounds.wallet,
        "origin": bounds.origin,
        "expires": bounds.expires_at,
    }
    signed = f"{PREFIX}{bounds.signer_id}.{_encoded(orjson.dumps(content))}"
    return f"{signed}.{_signature(signed, key)}"


def signer_of(text: str) -> int | None:
    """Return the id of the signing key that a token names; None if the text is no token."""
    match = _TOKEN.fullmatch(text) if len(text) <= MAX_CHARS else None
    return int(match["signer"]) if match else None


def read_token(text: str, key: bytes) -> TokenBounds | None:
    """Return what a token says; None if the key has not signed exactly this text.

    Args:
        text: a text of which `signer_of` returns an id.
        key: the signing key with that id.
    """
    match = _TOKEN.fullmatch(text)
    if match is None or not hmac.compare_digest(match["signature"], _signature(match["signed"], key)):
        return None
    content = orjson.loads(base64.urlsafe_b64decode(match["content"] + "=" * (-len(match["content"]) % 4)))
    return TokenBounds(
        signer_id=int(match["signer"]),
        lookup_id=content["key"],
        app_id=content["app"],
        session_id=content["session"] and UUID(content["session"]),
        wallet=content["wallet"],
        origin=content["origin"],
        expires_at=content["expires"],
    )


def _signature(signed: str, key: bytes) -> str:
    return _encoded(hmac.digest(key, signed.encode(), sha256))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
