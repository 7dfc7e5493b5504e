"""Ethereum addresses: their form, and the checksum in the case of their letters (EIP-55)."""


def keccak256(data: bytes) -> bytes:
    """Return Ethereum's hash: Keccak-256 as submitted, which SHA3-256 pads differently."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - 60 ms, which a deployment without wallets never spends

    return keccak.new(digest_bits=256, data=data).digest()


def checksummed(address: str) -> str:
    """Return an address in the mixed case of EIP-55: a letter is upper case where the hash's digit is over 7."""
    digits = address[2:].lower()
    hashed = keccak256(digits.encode()).hex()
    pairs = zip(digits, hashed, strict=False)  # the hash is longer
    return "0x" + "".join(digit.upper() if int(nibble, 16) > 7 else digit for digit, nibble in pairs)


def is_mistyped(address: str) -> bool:
    """Tell whether an address of mixed case contradicts its checksum; one case throughout carries none."""
    digits = address[2:]
    return digits not in (digits.lower(), digits.upper()) and address != checksummed(address)
