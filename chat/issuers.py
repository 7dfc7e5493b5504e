"""Who gave an answer: some of what providers send goes back to the one that sent it, and to no other."""

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
        provider: a digest of the provider's row and base URL: another address is another provider.
        model: what the provider calls the model.
    """

    provider: str
    model: str


def issuer_of(config: ModelConfig) -> Issuer:
    """Return who answers when this model is asked."""
    return Issuer(_digest(f"{config.provider_id} {config.base_url}").hex()[:12], config.provider_model_id)


def to_store(
    issuer: Issuer | None, *, fields: Mapping[str, Any] | None = None, call: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Return what is stored with a message for its issuer.

    Args:
        issuer: who said it.
        fields: of the answer that begins with this message.
        call: of the call whose result the message is.
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
    """Return the issuer that is stored with a message, if there is one."""
    by = extra.get("by") if extra else None
    return Issuer(by[0], by[1]) if by else None


def portable_id(key: str) -> str:
    """Return an id of nine letters and digits, the same for the same key: Mistral takes no others, and all take these.

    https://github.com/langchain-ai/langchain/pull/24668
    """
    number = int.from_bytes(_digest(key), "big")
    letters = []
    for _ in range(ID_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


def is_portable(call_id: str) -> bool:
    """Tell whether every provider takes an id."""
    return len(call_id) == ID_LENGTH and call_id.isascii() and call_id.isalnum()


def size_of(fields: Mapping[str, Any] | None) -> int:
    """Return how many bytes of JSON fields take."""
    return len(orjson.dumps(fields)) if fields else 0


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()
