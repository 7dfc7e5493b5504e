"""The caller, independent of transport: the same value for a request, another protocol, a channel or an operator."""

from dataclasses import dataclass
from typing import Literal

from apps_registry.values import AppConfig

ChannelKind = Literal["live", "draft", "release"]


@dataclass(frozen=True, slots=True)
class Channel:
    """The state of an App with which a key talks: what is live, the draft, or one release.

    Attributes:
        kind: which of the three.
        release_id: of the release; None if it was deleted, or for the other kinds.
    """

    kind: ChannelKind = "live"
    release_id: int | None = None

    @property
    def name(self) -> str:
        """The channel as sessions store it: a session continues only in the channel in which it began."""
        return f"release:{self.release_id}" if self.kind == "release" else self.kind


LIVE = Channel()


def channel_of_key(kind: ChannelKind, release_id: int | None) -> Channel:
    """Return the channel that a key's columns name."""
    return LIVE if kind == "live" else Channel(kind, release_id)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller and the Apps that it may use, as of one revision of the registry.

    `keys.verification` creates the caller of a request by checking its key; `callers_now` returns those of known keys.

    Attributes:
        key_id: the AppKey's id; None without a key.
        app_ids: the Apps in the key's scope, which the caller may use in addition to the default App.
        revision: the registry's revision, which `apps_registry.runtime.app_configs` compares with its own.
        address: the caller's network: an IPv4 address, or the /64 of an IPv6 address; empty if it has none.
        channel: the channel of the key, for the Apps in its scope.
    """

    key_id: int | None
    app_ids: frozenset[int]
    revision: int
    address: str = ""
    channel: Channel = LIVE

    def may_use(self, app: AppConfig | None) -> bool:
        """Whether the caller may chat with an App. Everyone may use the default App; None means unknown or inactive."""
        return app is not None and (app.is_default or app.id in self.app_ids)

    def channel_of(self, app_id: int) -> Channel:
        """Return the channel in which the caller talks with an App. An App out of scope, the default App, is live."""
        return self.channel if app_id in self.app_ids else LIVE
