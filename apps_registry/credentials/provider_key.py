"""The API key of a model provider: encrypted, or the name of a variable, until a request is sent."""

import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from apps_registry.credentials.encryption import Unreadable, decrypt
from apps_registry.credentials.header_fit import key_problem
from apps_registry.credentials.secret_box import Keys
from apps_registry.support.http.origins import origin_of

# Pairs of an environment variable and an origin that its value may be sent to.
KeyVariables = AbstractSet[tuple[str, str]]


class NoProviderKey(Exception):
    """The provider's key is unavailable on this server; the message is for operators and never contains a key."""


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """Where the key of a provider is stored.

    Attributes:
        provider_id: primary key of the provider.
        base_url: the address that the key is sent to.
        token: the encrypted key; empty: no key is stored.
        variable: the environment variable that contains the key; empty: there is none.
        variables: the pairs that PROVIDER_KEY_VARIABLES allows.
        keys: the keys of SECRETS_KEYS, never shown.
    """

    provider_id: int
    base_url: str
    token: str
    variable: str
    variables: KeyVariables
    keys: Keys

    @property
    def binding(self) -> str:
        """The binding of the token: a key is never sent to another address than the one that it was stored for."""
        return f"provider:{self.provider_id}:key:{self.base_url}"

    def value(self) -> str:
        """Return the key; empty when the provider needs none.

        Raises:
            NoProviderKey: the variable is not set or not allowed for this address, or decryption failed.
        """
        if self.token:
            try:
                return decrypt(self.token, binding=self.binding, keys=self.keys.all)
            except Unreadable as error:
                raise NoProviderKey(f"the stored key cannot be read: {error}") from None
        if not self.variable:
            return ""
        if problem := variable_problem(self.variable, self.base_url, self.variables):
            raise NoProviderKey(problem)
        value = os.environ.get(self.variable, "")
        if not value:
            raise NoProviderKey(f"the variable {self.variable} is not set")
        if problem := key_problem(value):
            raise NoProviderKey(f"the value of the variable {self.variable} {problem}")
        return value


def variable_problem(variable: str, base_url: str, variables: KeyVariables) -> str:
    """Return why a variable's value may not be sent to an address, without a full stop; empty if it may.

    Only the person who runs the server controls the environment: an operator of the admin can enter any variable and
    any address.

    Args:
        variable: name of the environment variable.
        base_url: the provider's address.
        variables: the pairs that PROVIDER_KEY_VARIABLES allows.
    """
    try:
        origin = origin_of(base_url)
    except ValueError as error:
        return str(error)
    if (variable, origin) in variables:
        return ""
    return f"the setting PROVIDER_KEY_VARIABLES does not contain {variable}={origin}"
