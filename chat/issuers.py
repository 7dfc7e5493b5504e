"""Issuers of answers: some fields that a provider sends must go back to that provider and to no other."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from apps_registry.values import ModelConfig

ID_LENGTH = 9
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Issuer(NamedTuple):
    """A model at a provider.

    Attributes:
        provider: a digest of the provider's row and base URL; a changed URL makes it another provider.
        model: the provider's id of the model.
    """

    provider: str
    model: str


def issuer_of(config: ModelConfig) -> Issuer:
    """Return the issuer of this model's answers."""
    return Issuer(_digest(f"{config.provider_id} {config.base_url}").hex()[:12], config.provider_model_id)


def to_store(
    issuer: Issuer | None, *, fields: Mapping[str, Any] | None = None, call: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Return the data to store with a message for its issuer.

    Args:
        issuer: the issuer of the message.
        fields: the extra fields of the answer, if this is its first message.
        call: the extra fields of the call, if the message is its result.
    """
    if issuer is None:
        return None
    bytes_ = size_of(fields) + size_of(call)
    return {
        "by": list(issuer),
        **({"fields": fields} if fields else {}),
        **({"call": call} if call else {}),
        "bytes": bytes_,
    }


def stored_issuer(extra: Mapping[str, Any] | None) -> Issuer | None:
    """Return the issuer that is stored with a message, if any."""
    by = extra.get("by") if extra else None
    return Issuer(by[0], by[1]) if by else None


def portable_id(key: str) -> str:
    """Return an id of nine letters and digits derived from a key: Mistral accepts only these, and all others do too.

    https://github.com/langchain-ai/langchain/pull/24668
    """
    number = int.from_bytes(_digest(key), "big")
    letters = []
    for _ in range(ID_LENGTH):
        number, index = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[index])
    return "".join(letters)


def is_portable(call_id: str) -> bool:
    """Return whether every provider accepts this id."""
    return len(call_id) == ID_LENGTH and call_id.isascii() and call_id.isalnum()


def size_of(fields: Mapping[str, Any] | None) -> int:
    """Return the JSON size of fields, in bytes."""
    return len(orjson.dumps(fields)) if fields else 0


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()
