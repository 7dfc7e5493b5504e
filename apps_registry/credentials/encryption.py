"""Encrypts secrets and keys, each bound to the row that it belongs to.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) authenticates a token but has no associated data.
So the token contains its binding, which is checked on decryption: a token that was copied into another row cannot be
decrypted there.
"""

from collections.abc import Sequence

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Unreadable(Exception):
    """A stored value cannot be decrypted."""


class NoKeys(Exception):
    """SECRETS_KEYS is empty, so nothing can be encrypted."""

    def __init__(self) -> None:
        super().__init__(
            "SECRETS_KEYS is not set, so nothing can be stored encrypted. Make a key with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        )


def encrypt(value: str, *, binding: str, keys: Sequence[str]) -> str:
    """Encrypt a value.

    Args:
        value: the secret.
        binding: what the value belongs to, such as `app:7:secret:API_KEY`.
        keys: Fernet keys; the first one encrypts.

    Raises:
        NoKeys: there are no keys.
    """
    if not keys:
        raise NoKeys
    return Fernet(keys[0]).encrypt(orjson.dumps([binding, value])).decode()


def decrypt(token: str, *, binding: str, keys: Sequence[str]) -> str:
    """Decrypt a token.

    Args:
        token: the result of `encrypt`.
        binding: the binding that the value was encrypted with.
        keys: Fernet keys; each one is tried.

    Raises:
        Unreadable: the token was changed, has another binding, or was encrypted with another key.
    """
    try:
        bound_to, value = orjson.loads(MultiFernet([Fernet(key) for key in keys]).decrypt(token))
    except (InvalidToken, ValueError, TypeError):  # ValueError: there are no keys, or the content is not JSON
        raise Unreadable("it was changed, or encrypted with a key that is not in SECRETS_KEYS") from None
    if bound_to != binding:
        raise Unreadable("it was encrypted for another row or address")
    return str(value)
