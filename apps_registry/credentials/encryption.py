"""Encryption of what operators entrust to us, bound to the binding that it belongs to.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) authenticates a token but knows no
associated data; so the binding stands inside the token and is checked when it is opened: a token that was copied
into another row does not open there.
"""

from collections.abc import Sequence

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Unreadable(Exception):
    """A stored value cannot be decrypted here."""


class NoKeys(Exception):
    """There is no key to encrypt with."""

    def __init__(self) -> None:
        super().__init__(
            "SECRETS_KEYS is not set, so nothing can be stored encrypted. Make a key with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        )


def encrypt(value: str, *, binding: str, keys: Sequence[str]) -> str:
    """Return a value encrypted.

    Args:
        value: what to keep secret.
        binding: what the value belongs to, such as `app:7:secret:API_KEY`.
        keys: the first encrypts.

    Raises:
        NoKeys: there is none.
    """
    if not keys:
        raise NoKeys
    return Fernet(keys[0]).encrypt(orjson.dumps([binding, value])).decode()


def decrypt(token: str, *, binding: str, keys: Sequence[str]) -> str:
    """Return what `encrypt` was given.

    Args:
        token: what `encrypt` returned.
        binding: what the value belongs to, as it was encrypted.
        keys: any of them may have encrypted it.

    Raises:
        Unreadable: the token was changed, belongs elsewhere, or was encrypted under another key.
    """
    try:
        bound_to, value = orjson.loads(MultiFernet([Fernet(key) for key in keys]).decrypt(token))
    except (InvalidToken, ValueError, TypeError):  # ValueError: there are no keys, or what is inside is not ours
        raise Unreadable("it was changed, or encrypted under a key that SECRETS_KEYS does not hold") from None
    if bound_to != binding:
        raise Unreadable("it was encrypted for another binding")
    return str(value)
