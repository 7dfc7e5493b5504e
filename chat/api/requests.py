"""The parameters of each request, for the views and for the OpenAPI document, which shows the docstrings of classes."""

from typing import Annotated, NamedTuple

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from chat.api import fields
from chat.api.parameters import Parameters
from keys.tokens.bounds import DEFAULT_SECONDS
from sessions_app.values import Wallet

REPLY_WAIT_SECONDS = 30  # for Apps without a reply wait of their own


class Wait(NamedTuple):
    """How long to wait for a reply.

    Attributes:
        preference: the client's preference that was applied, if any.
    """

    seconds: int
    preference: str | None = None


class WalletRequest(Parameters):
    """Parameters that may contain the client's state and wallet."""

    public_key: fields.PublicKey = None
    user_state: fields.State = None

    @property
    def state_text(self) -> str | None:
        """The JSON text to store; None to keep the stored one."""
        return None if self.user_state is None else self.user_state.text

    @property
    def wallet(self) -> Wallet | None:
        """The wallet to bind: that of `public_key`, unless the state has the same address, perhaps with a chain."""
        state_wallet = self.user_state.wallet if self.user_state else None
        if self.public_key is None or (state_wallet is not None and state_wallet.address == self.public_key.address):
            return state_wallet
        return self.public_key


class ChatRequest(WalletRequest):
    """A message to an App."""

    message: fields.ChatMessage
    app: fields.Slug = ""
    client_id: fields.Ignored = None
    client_tools: fields.DeclaredTools = ()
    idempotency_key: Annotated[
        fields.IdempotencyKey | SkipJsonSchema[None],
        Field(
            alias="Idempotency-Key",
            description="Makes the call safe to repeat: the same key in the same session never starts a second turn. "
            "With another message or App, the response is 422.",
            examples=["order-66"],
        ),
    ] = None
    prefer: Annotated[
        str,
        Field(
            alias="Prefer",
            description="RFC 7240. `respond-async`: respond at once. `wait=N`: wait at most N seconds for the reply.",
            examples=["wait=10"],
        ),
    ] = ""

    def wait(self, app_wait: int | None, *, shows_turns: bool) -> Wait:
        """Return how long to wait for the reply: as `Prefer` says, else as the App says, else the default.

        Args:
            app_wait: the App's reply wait in seconds; None for the default.
            shows_turns: whether a client streams the session's updates. Such a client shows a running turn only if this
                response comes at once, so the default is then 0.
        """
        longest = REPLY_WAIT_SECONDS if app_wait is None else app_wait
        preferences = [preference.split(";")[0].strip() for preference in self.prefer.lower().split(",")]
        if "respond-async" in preferences:
            return Wait(0, "respond-async")
        for preference in preferences:
            name, _, value = preference.partition("=")
            if name.strip() == "wait" and value.strip().isdecimal():
                seconds = min(int(value.strip()[:4]), longest)
                return Wait(seconds, f"wait={seconds}")
        return Wait(0 if app_wait is None and shows_turns else longest)


class StateRequest(WalletRequest):
    """The session to get, and from which message on."""

    since: fields.LastSeen = ""
    client_id: fields.Ignored = None


class UpdatesRequest(Parameters):
    """The event after which the stream begins."""

    last_event_id: Annotated[
        str | SkipJsonSchema[None],
        Field(alias="Last-Event-ID", description="The id of the last event that the client received.", examples=["0"]),
    ] = None


class SystemRequest(Parameters):
    """A notice, a callback or an answer to a question."""

    message: fields.ChatMessage


class EventsRequest(Parameters):
    """The number of system events to list."""

    count: fields.EventCount = 50


class UsageRequest(Parameters):
    """The number of days of usage."""

    days: fields.UsageDays = 30


class NewSessionRequest(WalletRequest):
    """A session to create."""

    app: fields.Slug = ""


class ListRequest(Parameters):
    """A page of a wallet's sessions."""

    public_key: fields.PublicKey
    limit: fields.PageSize = 50
    cursor: fields.PageCursor = None


class TitleRequest(Parameters):
    """A session's new title."""

    title: fields.SessionTitle


class ModelsRequest(Parameters):
    """The App whose models to list."""

    app: fields.Slug = ""


class ModelRequest(Parameters):
    """A model to choose."""

    rig: fields.ModelName = ""
    app: fields.Slug = ""


class ChallengeRequest(Parameters):
    """The wallet to prove, and the page that requests the signature."""

    address: fields.ProvableAddress
    chain_id: fields.ProvableChain
    domain: fields.Domain = ""
    uri: fields.PageUri = ""


class ProofRequest(Parameters):
    """A signed challenge."""

    message: fields.SignInMessage
    signature: fields.Signature


class TokenRequest(Parameters):
    """What a browser token opens, and for how long."""

    app: fields.TokenApp
    session_id: fields.TokenSession = None
    wallet: fields.TokenWallet = None
    origin: fields.TokenOrigin = None
    expires_in: fields.TokenSeconds = DEFAULT_SECONDS
