"""What a browser token opens. No Django, no HTTP."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

MAX_SECONDS = 3600
DEFAULT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class TokenBounds:
    """What a token says: the key it was made with, what it opens, and until when.

    Attributes:
        signer_id: the signing key.
        lookup_id: the public id of the App key; a token works as long as its key does.
        app_id: the only App that it opens.
        session_id: the only session that it opens; None: any of that App.
        wallet: the only wallet whose sessions it opens, in canonical form; None: any.
        origin: the only origin that may send it; None: any.
        expires_at: Unix time.
    """

    signer_id: int
    lookup_id: str
    app_id: int
    session_id: UUID | None
    wallet: str | None
    origin: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class TokenConditions:
    """The data that decides whether tokens still work, as read by one statement.

    Attributes:
        now: Unix time of Postgres's clock.
        signer_ids: the signing keys that are still valid.
        default_app_id: the App that needs no key.
    """

    now: float
    signer_ids: Collection[int]
    default_app_id: int | None

    def broken_rule(self, token: TokenBounds, scope: Collection[int]) -> str:
        """Return the rule that a token of a usable key breaks; empty if it works.

        Args:
            token: the token.
            scope: the Apps in the scope of its key.
        """
        if token.signer_id not in self.signer_ids:
            return "token_signing_key_gone"
        if token.expires_at <= self.now:
            return "token_expired"
        if token.app_id not in scope and token.app_id != self.default_app_id:
            return "token_app_out_of_scope"
        return ""
