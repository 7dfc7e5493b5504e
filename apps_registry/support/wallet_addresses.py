"""Ethereum addresses: their form, and the checksum in the case of their letters (EIP-55)."""

import re

_PART = re.compile(r"0x([0-9a-f]{2,40})(?:(?:…|\.{2,3})([0-9a-f]{2,40}))?")


def keccak256(data: bytes) -> bytes:
    """Return the hash that Ethereum uses: the original Keccak-256, which pads differently from SHA3-256."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - the import takes 60 ms, which only wallets should cost

    return keccak.new(digest_bits=256, data=data).digest()


def checksummed(address: str) -> str:
    """Return an address in the mixed case of EIP-55: a letter is upper case if the hash's digit is over 7."""
    digits = address[2:].lower()
    hash_digits = keccak256(digits.encode()).hex()
    pairs = zip(digits, hash_digits, strict=False)  # the hash is longer
    return "0x" + "".join(digit.upper() if int(nibble, 16) > 7 else digit for digit, nibble in pairs)


def is_mistyped(address: str) -> bool:
    """Return whether a mixed-case address has a wrong checksum; an address in a single case has no checksum."""
    digits = address[2:]
    return digits not in (digits.lower(), digits.upper()) and address != checksummed(address)


def shortened(address: str) -> str:
    """Return both ends of an address, as lists show it; a short one stays whole."""
    return address if len(address) < 16 else f"{address[:6]}…{address[-4:]}"


def both_ends(text: str) -> tuple[str, str] | None:
    """Return the beginning and end of an address, in lower case; None if the text is not part of an address.

    Args:
        text: an address, its beginning, or its shortened form, such as 0xcc0c…f9a3 or 0xcc0c...f9a3.
    """
    match = _PART.fullmatch(text.strip().lower())
    return (f"0x{match[1]}", match[2] or "") if match else None
