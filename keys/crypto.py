"""Creates, parses and verifies App keys: `sk-<slug>-<id><secret><checksum>`. No Django, no HTTP.

The id is public and indexed; the secret is random; the checksum rejects typing errors and garbage before any
lookup. The format follows GitHub's tokens of 2021: a prefix that people and secret scanners
recognise, base62, and a CRC32 in the last six characters.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_LENGTH = 8
SECRET_LENGTH = 32  # 62**32 is about 190 bits
CHECKSUM_LENGTH = 6  # 62**6 > 2**32
CHECK_BITS = 24

KEY_PATTERN = re.compile(
    rf"sk-(?P<slug>[a-z0-9][a-z0-9-]{{0,39}})-(?P<id>[0-9A-Za-z]{{{ID_LENGTH}}})"
    rf"(?P<secret>[0-9A-Za-z]{{{SECRET_LENGTH}}})(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_LENGTH}}})",
    re.ASCII,
)
KEY_MAX_LENGTH = 128

# A slow hash protects guessable passwords; this secret has 190 random bits, which cannot be guessed at any
# speed. Low cost therefore loses nothing, and a flood of bad keys cannot use much processor time.
_hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@dataclass(frozen=True, slots=True, repr=False)
class KeyParts:
    """A well-formed key, which may never have been issued."""

    plain: str
    prefix: str
    lookup_id: str
    secret: str


def make_key(slug: str) -> KeyParts:
    """Return a new random key.

    Args:
        slug: the readable part, lower-case letters, digits and hyphens; at most 40 characters.

    Raises:
        ValueError: the slug cannot be the readable part.
    """
    lookup_id = _random(ID_LENGTH)
    body = f"sk-{slug}-{lookup_id}{_random(SECRET_LENGTH)}"
    parts = parse_key(body + checksum(body))
    if parts is None:
        raise ValueError(f"{slug!r} cannot be the readable part of a key")
    return parts


def parse_key(text: str) -> KeyParts | None:
    """Return the parts of a well-formed key with a correct checksum, otherwise None."""
    if len(text) > KEY_MAX_LENGTH or not (match := KEY_PATTERN.fullmatch(text)):
        return None
    if checksum(text[:-CHECKSUM_LENGTH]) != match["checksum"]:
        return None
    prefix = f"sk-{match['slug']}-{match['id']}"
    return KeyParts(plain=text, prefix=prefix, lookup_id=match["id"], secret=match["secret"])


def checksum(body: str) -> str:
    """Return the CRC32 of the body as six base62 digits."""
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def hash_secret(secret: str) -> str:
    """Return the argon2id hash to store."""
    return _hasher.hash(secret)


def verify_secret(secret_hash: str, secret: str) -> bool:
    """Whether the hash matches this secret. Takes about a millisecond of processor time."""
    try:
        return _hasher.verify(secret_hash, secret)
    except (VerificationError, InvalidHashError):
        return False


def secret_check(secret: str) -> str:
    """Return CHECK_BITS bits of a digest of the secret, in hexadecimal, to store next to its hash.

    They reject wrong secrets without argon2: a guess passes once in 16 million. An attacker who reads them must still
    guess 166 random bits, so they are no help.
    """
    return hashlib.blake2b(secret.encode(), digest_size=CHECK_BITS // 8, person=b"aomi-key-check").hexdigest()


def fingerprint(plain: str, *, process_key: bytes) -> bytes:
    """Return a digest under which a process remembers a key that it has verified.

    Args:
        plain: the whole key as presented.
        process_key: 32 random bytes that are known only to this process.
    """
    return hashlib.blake2b(plain.encode(), key=process_key, digest_size=32).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
