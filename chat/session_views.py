"""Sessions as things: made, looked at, renamed, deleted."""

from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api import ApiView
from chat.errors import SessionNotAvailable
from chat.parameters import TITLE_MAX_CHARS, app_parameter, client_state, text_parameter
from chat.runner import runner
from chat.snapshot import details, title
from sessions_app.hub import hub
from sessions_app.store import store


class SessionsView(ApiView):
    """`POST /api/sessions`: browsers repeat it whenever they open a thread."""

    async def post(self, request: Request) -> Response:
        """Make the session unless there is one; the same answer either way."""
        session_id, wallet, slug = self.session_id(), client_state(request).wallet, app_parameter(request)
        app = await self.usable_app(slug) if slug else None
        app_id = app.id if app else None
        session = await store.create(session_id, app_id=app_id, user_state=None, wallet=wallet)
        if session is None:
            session, owner = await self.known_session(session_id)
            if app and owner and owner.id != app.id:
                raise SessionNotAvailable
            if wallet != session.wallet or app_id != session.app_id:
                await store.update(session_id, app_id=app_id, wallet=wallet)
        return Response({"session_id": session.id, "title": title(session)})


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
