"""Sessions as things: made, looked at, renamed, deleted."""

from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.base import ApiView
from chat.api.parameters import TITLE_MAX_CHARS, app_parameter, client_state, text_parameter, whole_number
from chat.api.snapshot import details, title
from chat.turns.runner import runner
from sessions_app.events.hub import hub
from sessions_app.listing import Cursor, sessions_of_wallet
from sessions_app.store import store
from sessions_app.turns import SessionOfAnotherApp
from sessions_app.user_state import parse_public_key
from sessions_app.values import Session, Wallet

PAGE_DEFAULT = 50
PAGE_MAX = 200


class SessionsView(ApiView):
    """`/api/sessions`: open a thread, which browsers repeat whenever they show it; list a wallet's threads."""

    async def post(self, request: Request) -> Response:
        """Make the session unless there is one; the same answer either way."""
        session_id, wallet, slug = self.session_id(), client_state(request).wallet, app_parameter(request)
        app = await self.usable_app(slug) if slug else None
        app_id = app.id if app else None
        session = await store.create(session_id, app_id=app_id, user_state=None, wallet=wallet)
        if session is None:
            session, owner = await self.known_session(session_id)
            if app and owner and owner.id != app.id:
                raise SessionOfAnotherApp
            if _tells_more(session, app_id, wallet):
                await store.update(session_id, app_id=app_id, wallet=wallet)
        return Response({"session_id": session.id, "title": title(session)})

    async def get(self, request: Request) -> Response:
        """List a wallet's sessions, as far as the caller may see them, newest activity first."""
        wallet = parse_public_key(text_parameter(request, "public_key") or "")
        if wallet is None:
            raise ValidationError("public_key is missing or empty.")
        limit = whole_number(request, "limit", default=PAGE_DEFAULT, maximum=PAGE_MAX)
        own = self.session_id() if "X-Session-Id" in request.headers else None
        sessions, cursor = await sessions_of_wallet(
            wallet.address, own=await self._own(own), app_ids=self.caller.app_ids, after=_cursor(request), limit=limit
        )
        listed = [{"session_id": s.id, "title": title(s), "is_archived": s.is_archived} for s in sessions]
        return Response(listed, headers={"X-Next-Cursor": cursor.dump()} if cursor else None)

    async def _own(self, session_id: UUID | None) -> Session | None:
        """Return the caller's own session, if it exists and the caller may see it."""
        session = await store.load(session_id) if session_id else None
        if session is not None:
            await self.app_of(session)
        return session


def _tells_more(session: Session, app_id: int | None, wallet: Wallet | None) -> bool:
    """Whether a repeated call says anything that the session does not know yet."""
    known = session.wallet
    is_known = wallet is None or (
        known is not None and wallet.address == known.address and wallet.chain_id in {None, known.chain_id}
    )
    return not is_known or (app_id is not None and session.app_id is None)


def _cursor(request: Request) -> Cursor | None:
    text = text_parameter(request, "cursor")
    try:
        return Cursor.load(text) if text else None
    except ValueError:
        raise ValidationError("cursor is not one that an earlier page gave.") from None


class ArchiveView(ApiView):
    """`/api/sessions/{id}/archive` and `/unarchive`."""

    is_archived = True

    async def post(self, request: Request, session_id: str) -> Response:
        """Archive the session, or bring it back."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.set_archived(id_, self.is_archived)
        session, app = await self.known_session(id_)
        return Response(details(session, app=app.slug if app else None))


class SessionView(ApiView):
    """`/api/sessions/{id}`: one session without its messages."""

    async def get(self, request: Request, session_id: str) -> Response:
        """Answer the session."""
        return await self._details(self.session_id(session_id))

    async def patch(self, request: Request, session_id: str) -> Response:
        """Give the session a title of the user's own."""
        id_ = self.session_id(session_id)
        name = (text_parameter(request, "title", max_chars=TITLE_MAX_CHARS) or "").strip()
        if not name:
            raise ValidationError("title is missing or empty.")
        await self.known_session(id_)
        await store.update(id_, title=name)
        return await self._details(id_)

    async def delete(self, request: Request, session_id: str) -> Response:
        """Delete the session and everything said in it; a turn that runs is stopped."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.delete(id_)
        runner.cancel(id_)
        hub.tell_workers(id_, "_deleted")
        return Response({"session_id": id_, "deleted": True})

    async def _details(self, session_id: UUID) -> Response:
        session, app = await self.known_session(session_id)
        return Response(details(session, app=app.slug if app else None))
