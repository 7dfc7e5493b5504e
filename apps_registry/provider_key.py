"""The key of a model's provider as requests hold it: encrypted, or the name of a variable, until one is sent."""

import os
from dataclasses import dataclass

from apps_registry.encryption import Unreadable, decrypt
from apps_registry.secret_box import Keys


class NoProviderKey(Exception):
    """The provider's key is not to be had on this server; the message is for operators and names no value."""


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """Where a provider's key is found.

    Attributes:
        place: what the token is bound to: the provider and its base URL.
        token: the key as it is stored; empty: none is.
        variable: the environment variable that holds the key; empty: none does.
        keys: what SECRETS_KEYS holds; not shown.
    """

    place: str
    token: str
    variable: str
    keys: Keys

    def value(self) -> str:
        """Return the key; empty when the provider needs none.

        Raises:
            NoProviderKey: the variable is not set, or what is stored cannot be decrypted.
        """
        if self.token:
            try:
                return decrypt(self.token, place=self.place, keys=self.keys.all)
            except Unreadable as error:
                raise NoProviderKey(f"the stored key cannot be read: {error}") from None
        if not self.variable:
            return ""
        value = os.environ.get(self.variable, "")
        if not value:
            raise NoProviderKey(f"the variable {self.variable} is not set")
        return value


def provider_key_place(provider_id: int, base_url: str) -> str:
    """Return what a provider's token is bound to: a key never goes to another address than it was given for."""
    return f"provider:{provider_id}:key:{base_url}"
