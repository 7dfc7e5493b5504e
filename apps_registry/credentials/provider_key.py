"""The key of a model's provider as requests hold it: encrypted, or the name of a variable, until one is sent."""

import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from apps_registry.credentials.encryption import Unreadable, decrypt
from apps_registry.credentials.header_fit import key_problem
from apps_registry.credentials.secret_box import Keys
from apps_registry.support.origins import origin_of

# Pairs of an environment variable and an origin that may be sent its value.
KeyVariables = AbstractSet[tuple[str, str]]


class NoProviderKey(Exception):
    """The provider's key is not to be had on this server; the message is for operators and names no value."""


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """Where a provider's key is found.

    Attributes:
        provider_id: the provider's row.
        base_url: where the key is sent.
        token: the key as it is stored; empty: none is.
        variable: the environment variable that holds the key; empty: none does.
        variables: what PROVIDER_KEY_VARIABLES allows.
        keys: what SECRETS_KEYS holds; not shown.
    """

    provider_id: int
    base_url: str
    token: str
    variable: str
    variables: KeyVariables
    keys: Keys

    @property
    def binding(self) -> str:
        """What the token is bound to: a key never goes to another address than it was given for."""
        return f"provider:{self.provider_id}:key:{self.base_url}"

    def value(self) -> str:
        """Return the key; empty when the provider needs none.

        Raises:
            NoProviderKey: the variable is not set or not meant for this address, or what is stored cannot be decrypted.
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
    """Return why a variable's value may not be sent to an address, without a full stop; empty: it may.

    Only the person who runs the server decides about the environment: an operator of the admin may name any
    variable and any address.

    Args:
        variable: name of the environment variable.
        base_url: of the provider.
        variables: what PROVIDER_KEY_VARIABLES allows.
    """
    try:
        origin = origin_of(base_url)
    except ValueError as error:
        return str(error)
    if (variable, origin) in variables:
        return ""
    return f"the setting PROVIDER_KEY_VARIABLES does not hold {variable}={origin}"
