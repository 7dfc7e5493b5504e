"""What each call carries; the views read it, and the OpenAPI document lists it."""

from typing import Annotated, NamedTuple

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from chat.api import fields
from chat.api.parameters import Parameters
from sessions_app.values import Wallet

REPLY_WAIT_SECONDS = 30  # where the App's operator left it to us


class Wait(NamedTuple):
    """How long to wait for a reply.

    Attributes:
        preference: which wish of the client's that honours, if any.
    """

    seconds: int
    preference: str | None = None


class WalletRequest(Parameters):
    """A call that may say what the client is: its state, and its wallet."""

    public_key: fields.PublicKey = None
    user_state: fields.State = None

    @property
    def state_text(self) -> str | None:
        """The JSON text to store; None where the stored one is to stay."""
        return None if self.user_state is None else self.user_state.text

    @property
    def wallet(self) -> Wallet | None:
        """The wallet to bind. `public_key` wins, but a state that names the same one knows its chain as well."""
        named, in_state = self.public_key, self.user_state.wallet if self.user_state else None
        if named is None or (in_state is not None and in_state.address == named.address):
            return in_state
        return named


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
        """Return how long to wait for the reply: by `Prefer`, else by the App, else by what the client listens to.

        Args:
            app_wait: the App's reply wait in seconds; None: its operator left it to us.
            shows_turns: whether the session's updates are read. Such a client shows a running turn only from an
                answer that comes at once.
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
