"""The secrets of one App as its tools hold them: encrypted until a call needs one."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from apps_registry.credentials.encryption import Unreadable, decrypt
from apps_registry.credentials.secret_hosts import refusal
from apps_registry.tools.base import ToolError


@dataclass(frozen=True, slots=True)
class SecretBox:
    """An App's secrets; there is no way from one App's to another's.

    Attributes:
        tokens: by name, as they are stored.
        hosts: by name, the hosts with their ports that may be sent the secret.
        keys: what SECRETS_KEYS holds; not shown.
    """

    app_id: int
    tokens: Mapping[str, str]
    hosts: Mapping[str, AbstractSet[str]]
    keys: "Keys"

    def value(self, name: str, *, host: str) -> str:
        """Return a secret that is about to be sent.

        Args:
            name: of the secret.
            host: where it is sent, with the port.

        Raises:
            ToolError: the App has none of this name, it is not for this host, or it cannot be decrypted.
        """
        if name not in self.tokens:
            raise ToolError(f"this App has no secret {name}; its operator must set it")
        if problem := refusal(name, self.hosts.get(name, frozenset()), host):
            raise ToolError(problem)
        return self._opened(name)

    def _opened(self, name: str) -> str:
        token = self.tokens[name]
        try:
            return decrypt(token, binding=secret_binding(self.app_id, name), keys=self.keys.all)
        except Unreadable as error:
            raise ToolError(f"the secret {name} cannot be read: {error}; its operator must set it again") from None

    def readable(self) -> list[str]:
        """Return all that can be decrypted, to be taken out of what comes back."""
        values = []
        for name in self.tokens:
            try:
                values.append(self._opened(name))
            except ToolError:
                continue
        return values


class Keys:
    """The keys, in an object that never shows them."""

    __slots__ = ("all",)

    def __init__(self, keys: Sequence[str]) -> None:
        self.all = keys


def secret_binding(app_id: int, name: str) -> str:
    """Return what the token of an App's secret is bound to."""
    return f"app:{app_id}:secret:{name}"
