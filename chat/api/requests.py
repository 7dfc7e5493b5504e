"""The parameters of each request, for the views and for the OpenAPI document, which shows the docstrings of classes."""

from typing import Annotated, NamedTuple

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from chat.api import fields
from chat.api.parameters import Parameters
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
    """A call that may say what the client is: its state, and its wallet."""

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
    idempotency_key: Annotated[
        fields.IdempotencyKey | SkipJsonSchema[None],
        Field(
            alias="Idempotency-Key",
            description="The same key in the same session is the same turn, never a second one; with another message "
            "or App: 422.",
            examples=["order-66"],
        ),
    ] = None
    prefer: Annotated[
        str,
        Field(
            alias="Prefer",
            description="RFC 7240: `respond-async` answers at once, `wait=N` within N seconds.",
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
    """A look at a session."""

    since: fields.LastSeen = ""
    client_id: fields.Ignored = None


class UpdatesRequest(Parameters):
    """A stream of updates."""

    last_event_id: Annotated[
        str | SkipJsonSchema[None],
        Field(alias="Last-Event-ID", description="The id of the last event seen.", examples=["0"]),
    ] = None


class SystemRequest(Parameters):
    """A notice or a callback."""

    message: fields.ChatMessage


class EventsRequest(Parameters):
    """How many system events."""

    count: fields.EventCount = 50


class UsageRequest(Parameters):
    """How many days of usage."""

    days: fields.UsageDays = 30


class NewSessionRequest(WalletRequest):
    """A thread to open."""

    app: fields.Slug = ""


class ListRequest(Parameters):
    """A page of a wallet's sessions."""

    public_key: fields.PublicKey
    limit: fields.PageSize = 50
    cursor: fields.PageCursor = None


class TitleRequest(Parameters):
    """A title of the user's own."""

    title: fields.SessionTitle


class ModelsRequest(Parameters):
    """Whose models to list."""

    app: fields.Slug = ""


class ModelRequest(Parameters):
    """A model to choose."""

    rig: fields.ModelName = ""
    app: fields.Slug = ""


class ChallengeRequest(Parameters):
    """A wallet to prove, and the page that asks."""

    address: fields.ProvableAddress
    chain_id: fields.ProvableChain
    domain: fields.Domain = ""
    uri: fields.PageUri = ""


class ProofRequest(Parameters):
    """A signed challenge."""

    message: fields.SignInMessage
    signature: fields.Signature
