"""The secrets of one App, encrypted until a tool call needs one."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from apps_registry.credentials.encryption import Unreadable, decrypt
from apps_registry.credentials.secret_hosts import refusal
from apps_registry.tools.base import ToolError


@dataclass(frozen=True, slots=True)
class SecretBox:
    """The secrets of one App; the secrets of other Apps cannot be reached from it.

    Attributes:
        tokens: encrypted secrets by name.
        hosts: by name, the hosts with their ports that the secret may be sent to.
        keys: the keys of SECRETS_KEYS, never shown.
    """

    app_id: int
    tokens: Mapping[str, str]
    hosts: Mapping[str, AbstractSet[str]]
    keys: "Keys"

    def value(self, name: str, *, host: str) -> str:
        """Return the value of a secret that is about to be sent to a host.

        Args:
            name: the secret's name.
            host: the receiving host with its port.

        Raises:
            ToolError: the App has no secret of this name, it is not for this host, or it cannot be decrypted.
        """
        if name not in self.tokens:
            raise ToolError(f"this App has no secret {name}; its operator must set it")
        if problem := refusal(name, self.hosts.get(name, frozenset()), host):
            raise ToolError(problem)
        return self._decrypted(name)

    def _decrypted(self, name: str) -> str:
        token = self.tokens[name]
        try:
            return decrypt(token, binding=secret_binding(self.app_id, name), keys=self.keys.all)
        except Unreadable as error:
            raise ToolError(f"the secret {name} cannot be read: {error}; its operator must set it again") from None

    def readable_values(self) -> list[str]:
        """Return all secrets that can be decrypted, so that they can be removed from responses."""
        values = []
        for name in self.tokens:
            try:
                values.append(self._decrypted(name))
            except ToolError:
                continue
        return values


class Keys:
    """The keys, in an object whose repr never shows them."""

    __slots__ = ("all",)

    def __init__(self, keys: Sequence[str]) -> None:
        self.all = keys


def secret_binding(app_id: int, name: str) -> str:
    """Return the binding of the token of an App's secret."""
    return f"app:{app_id}:secret:{name}"
