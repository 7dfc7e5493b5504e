"""`POST /api/token`: a backend asks for a token that it can give to a web page."""

from rest_framework.request import Request

from apps_registry.support.http.request_sources import RequestSource
from chat.access import check_key_itself
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import TokenRequest
from chat.turns.output.message_body import iso
from chat.wire.tokens import BrowserToken
from keys.tokens.issuing import issue_token
from sessions_app.store import store
from sessions_app.turns.values import SessionOfAnotherApp, SessionOfAnotherWallet


class TokenView(ApiView):
    """`POST /api/token`."""

    @reads(TokenRequest)
    async def post(self, request: Request, params: TokenRequest) -> Answer[BrowserToken]:
        """Issue a browser token of the key in the header."""
        key_id = check_key_itself(self.caller)
        # The App's limits on origins and networks are for its callers, so they do not apply to the backend.
        app = await self.app_in_scope(params.app)
        await _check_session(params, app.id)
        if params.origin is not None:
            app.source_limits.check_origin(RequestSource(params.origin, ""), rule="origin_of_app")
        issued = await issue_token(
            key_id,
            app.id,
            session_id=params.session_id,
            wallet=params.wallet,
            origin=params.origin,
            seconds=params.expires_in,
        )
        return Answer({"token": issued.text, "expires_at": iso(issued.expires_at)}, status=201)


async def _check_session(params: TokenRequest, app_id: int) -> None:
    """Refuse a token that could not open the session that it is for.

    Raises:
        SessionOfAnotherApp, SessionOfAnotherWallet: the session exists, and belongs to another App or wallet.
    """
    session = await store.load(params.session_id) if params.session_id else None
    if session is None:
        return
    if session.is_operators or session.app_id not in {None, app_id}:
        raise SessionOfAnotherApp
    if params.wallet and session.wallet and session.wallet.address != params.wallet:
        raise SessionOfAnotherWallet
