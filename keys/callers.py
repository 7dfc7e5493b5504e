"""The caller, independent of transport: the same value for a request, another protocol, a channel or an operator."""

from dataclasses import dataclass

from apps_registry.values import AppConfig


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller and the Apps that it may use, as of one revision of the registry.

    `keys.verification` creates the caller of a request by checking its key; `callers_now` returns those of known keys.

    Attributes:
        key_id: the AppKey's id; None without a key.
        app_ids: the Apps in the key's scope, which the caller may use in addition to the default App.
        revision: the registry's revision, which `apps_registry.runtime.app_configs` compares with its own.
        address: the network that the caller is counted under: IPv4 /32 or IPv6 /64; empty if it is not a request's.
    """

    key_id: int | None
    app_ids: frozenset[int]
    revision: int
    address: str = ""

    def may_use(self, app: AppConfig | None) -> bool:
        """Whether the caller may chat with an App. Everyone may use the default App; None means unknown or inactive."""
        return app is not None and (app.is_default or app.id in self.app_ids)
