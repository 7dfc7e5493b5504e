"""Who asks, without a word about how: the same value for a request, another protocol, a channel or an operator."""

from dataclasses import dataclass

from apps_registry.values import AppConfig


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what that opens, as of one revision of the registry.

    A request's comes from `keys.verification`, which checks its key; `callers_now` there gives those of known keys.

    Attributes:
        key_id: the AppKey's id; None without a key.
        app_ids: the Apps that are open to the caller next to the default App: those in the key's scope.
        revision: the registry's, which `apps_registry.runtime.app_configs` compares with its own.
    """

    key_id: int | None
    app_ids: frozenset[int]
    revision: int

    def may_use(self, app: AppConfig | None) -> bool:
        """Whether the caller may chat with an App: the default App is everybody's; None is unknown or inactive."""
        return app is not None and (app.is_default or app.id in self.app_ids)
