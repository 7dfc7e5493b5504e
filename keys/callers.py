"""The caller, independent of transport: the same value for a request, another protocol, a channel or an operator."""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from apps_registry.support.http.request_sources import ANYWHERE, OriginNotAllowed, RequestSource, SourceLimits
from apps_registry.values import OPERATORS_CHANNEL, OPERATORS_KEY_ID, AppConfig
from keys.tokens.bounds import TokenBounds

ChannelKind = Literal["live", "draft", "release"]


@dataclass(frozen=True, slots=True)
class Channel:
    """The state of an App with which a key talks: what is live, the draft, or one release.

    Attributes:
        kind: which of the three.
        release_id: of the release; None if it was deleted, or for the other kinds.
        is_operators: whether it is for an operator in the console's playground.
    """

    kind: ChannelKind = "live"
    release_id: int | None = None
    is_operators: bool = False

    @property
    def name(self) -> str:
        """The channel as sessions store it: a session continues only in the channel in which it began."""
        name = f"release:{self.release_id}" if self.kind == "release" else self.kind
        return OPERATORS_CHANNEL + name if self.is_operators else name


LIVE = Channel()


def operator_in(app_id: int, channel: Channel, *, revision: int) -> "Caller":
    """Return an operator who tries an App in the playground.

    Args:
        app_id: the App, the only one that the operator may use with it.
        channel: the state of the App to talk with.
        revision: the registry's revision.
    """
    own = replace(channel, is_operators=True)
    return Caller(key_id=OPERATORS_KEY_ID, app_ids=frozenset({app_id}), revision=revision, channel=own)


def channel_of_key(kind: ChannelKind, release_id: int | None) -> Channel:
    """Return the channel that a key's columns name."""
    return LIVE if kind == "live" else Channel(kind, release_id)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller and the Apps that it may use, as of one revision of the registry.

    `keys.verification` creates the caller of a request by checking its key; `callers_now` returns those of known keys.

    Attributes:
        key_id: the AppKey's id; None without a key; OPERATORS_KEY_ID for an operator.
        app_ids: the Apps in the key's scope, which the caller may use in addition to the default App. Empty with a
            browser token, because its bearer does not hold the key.
        revision: the registry's revision, which `apps_registry.runtime.app_configs` compares with its own.
        address: the caller's network: an IPv4 address, or the /64 of an IPv6 address; empty if it has none.
        channel: the channel of the key, for the Apps in its scope.
        token: what the caller's browser token says, if it presents one instead of the key itself.
        key_sources: where the key may be used.
        source: where the call comes from; None for a call from this server itself, which such limits do not concern.
    """

    key_id: int | None
    app_ids: frozenset[int]
    revision: int
    address: str = ""
    channel: Channel = LIVE
    token: TokenBounds | None = None
    key_sources: SourceLimits = ANYWHERE
    source: RequestSource | None = None

    def channel_of(self, app_id: int) -> Channel:
        """Return the channel in which the caller talks with an App; the default App, if out of scope, is live."""
        is_of_token = self.token is not None and self.token.app_id == app_id
        return self.channel if is_of_token or app_id in self.app_ids else LIVE

    @property
    def is_operator(self) -> bool:
        """Whether this is an operator in the playground, who opens the sessions of operators and no others."""
        return self.channel.is_operators

    def may_use(self, app: AppConfig | None) -> bool:
        """Whether the caller may chat with an App. Everyone may use the default App; None means unknown or inactive.

        A browser token opens its own App and no other, not even the default one.
        """
        if app is None:
            return False
        if self.token is not None:
            return app.id == self.token.app_id
        return app.is_default or app.id in self.app_ids

    def may_open(self, session_id: UUID) -> bool:
        """Whether the caller's browser token, if it has one, is for this session or for no particular one."""
        return self.token is None or self.token.session_id in {None, session_id}

    def check_source(self) -> None:
        """Check that the key or token may be used from the source of the call.

        The networks of a key are those of its backends, so they do not limit its tokens.

        Raises:
            OriginNotAllowed, NetworkNotAllowed: it may not.
        """
        if self.source is None:
            return
        if self.token is None:
            self.key_sources.check_network(self.source, rule="network_of_key")
        elif self.token.origin not in {None, self.source.origin}:
            raise OriginNotAllowed("origin_of_token")
        self.key_sources.check_origin(self.source, rule="origin_of_key")
