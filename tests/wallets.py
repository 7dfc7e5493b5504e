"""A user's wallet: a key that signs texts."""

import secrets
from functools import cached_property

from coincurve import PrivateKey

from apps_registry.support.wallet_addresses import checksummed, keccak256


class TestWallet:
    """Signs according to EIP-191, `personal_sign`."""

    __test__ = False  # prevents pytest from collecting this class

    def __init__(self, key: PrivateKey | None = None) -> None:
        self.key = key or PrivateKey(secrets.token_bytes(32))

    @cached_property
    def address(self) -> str:
        return checksummed("0x" + keccak256(self.key.public_key.format(compressed=False)[1:])[-20:].hex())

    def sign(self, text: str, *, first_v: int = 27) -> str:
        data = text.encode()
        digest = keccak256(f"\x19Ethereum Signed Message:\n{len(data)}".encode() + data)
        raw = self.key.sign_recoverable(digest, hasher=None)
        return "0x" + raw[:64].hex() + f"{raw[64] + first_v:02x}"
