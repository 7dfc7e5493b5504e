"""DRF views with coroutines as handlers, which run on the event loop."""

from typing import Any, TypeVar, cast
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps_registry.support.http.request_notes import request_notes
from apps_registry.values import AppConfig
from chat.access import (
    app_named,
    app_of,
    app_of_token,
    check_chat,
    check_token,
    known_session,
    wallet_to_bind,
)
from chat.api.parsers import check_body, parser_for
from chat.api.unreadable import check_query
from chat.turns.creating import create_session
from keys.callers import Caller
from keys.http.authentication import AppKeyAuthentication
from keys.last_use import key_uses
from sessions_app.access import InvalidSessionId, parse_session_id
from sessions_app.values import Session, Wallet

AppT = TypeVar("AppT", AppConfig, AppConfig | None)
# The key in a request's META of the App that the request is about, for code that handles the response later.
APP_OF_CALL = "aomi.app"


class JSONWhateverIsAccepted(BaseContentNegotiation):
    """Answers in JSON regardless of the Accept header, so that every client can read its errors."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        """Return the parser for the request's content type, or None."""
        return parser_for(request.content_type or "", parsers)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the only renderer, regardless of what the client accepts."""
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """An APIView whose authentication and handlers are coroutines.

    DRF is synchronous: under ASGI it would use a thread per request. This class repeats its dispatch with `await`, so
    that authentication, permissions, exceptions and rendering remain those of DRF without a thread.
    """

    content_negotiation_class = JSONWhateverIsAccepted

    async def dispatch(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answer a request; see rest_framework.views.APIView.dispatch."""
        self.args, self.kwargs = args, kwargs
        self.format_kwarg = None
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            handler = self._handler(self.request)
            if self.request.method != "OPTIONS":
                await self._authenticate(self.request)
                check_query(request)
                check_body(self.request)
            response: HttpResponseBase = await handler(self.request, *args, **kwargs)
        except Exception as exc:
            response = self.handle_exception(exc)
        return self._rendered(self.finalize_response(self.request, response, *args, **kwargs))  # type: ignore[arg-type]

    async def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Answer OPTIONS without key or session; the response's headers name the methods."""
        return Response(status=204)

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.auth)

    def session_id(self, in_path: str | None = None) -> UUID:
        """Return the session id from the header; an id in the path must equal it.

        Raises:
            InvalidSessionId: it is missing or malformed.
            SessionNotOfToken: the caller's browser token is for another session.
        """
        session_id = parse_session_id(self.request.headers.get("X-Session-Id"))
        if in_path is not None and in_path.lower() != str(session_id):
            raise InvalidSessionId("the id in the path is not that of X-Session-Id")
        check_token(self.caller, session_id, None)
        return session_id

    async def usable_app(self, slug: str | None) -> AppConfig:
        """Return an App that the caller may use: the one named; by default that of its browser token, or the default.

        Raises:
            OriginNotAllowed, NetworkNotAllowed: the App refuses calls from where the caller is.
        """
        return check_chat(self.caller, await self.app_in_scope(slug))

    async def app_in_scope(self, slug: str | None) -> AppConfig:
        """Return an App as `usable_app` does, without checking the caller's source."""
        app = await app_named(self.caller, slug)
        self.check_object_permissions(self.request, app)  # raises what DRF answers with 401 or 403
        assert app is not None  # noqa: S101 - the permission refuses None
        key_uses.note_app(self.caller.key_id, app.id)
        return self.note_app(app)

    async def create_session(
        self, session_id: UUID, app: AppConfig | None = None, *, wallet: Wallet | None = None
    ) -> Session | None:
        """Create an empty session; return None if it exists already.

        Args:
            session_id: its id.
            app: the App that the call names, which the caller may use. None: that of its browser token; without a
                token, the session's App stays open.
            wallet: the wallet that the call names; None: that of the browser token, if any.
        """
        if app is None and self.caller.token is not None:
            app = await self.usable_app(None)
        return await create_session(
            self.caller, session_id, app_id=app.id if app else None, wallet=wallet_to_bind(self.caller, wallet, app)
        )

    async def wallet_of_call(self, named: Wallet | None) -> Wallet | None:
        """Return the wallet that a call other than chat binds: see `wallet_to_bind`."""
        return wallet_to_bind(self.caller, named, await app_of_token(self.caller))

    async def app_of(self, session: Session) -> AppConfig | None:
        """Return the App of a session that the caller may read; None if the session has none yet.

        Raises:
            KeyNeeded, SessionOfAnotherApp: the caller may not.
        """
        return self.note_app(await app_of(self.caller, session))

    async def known_session(self, session_id: UUID) -> tuple[Session, AppConfig | None]:
        """Return a session that the caller may read, and its App; None instead of an App if it has none yet.

        Raises:
            NoSuchSession: there is no such session.
        """
        session, app = await known_session(self.caller, session_id)
        return session, self.note_app(app)

    def note_app(self, app: AppT) -> AppT:
        """Record the App for code that handles the response later, and return it."""
        if app is not None:
            self.request.META[APP_OF_CALL] = app
            notes = request_notes()
            notes.app = notes.app or app.slug
        return app

    def _rendered(self, response: HttpResponseBase) -> HttpResponseBase:
        """Render, and break the reference cycle of view, request and response, so that it is freed immediately."""
        if isinstance(response, Response):
            response.render()
            response.renderer_context = {}  # type: ignore[attr-defined]  # DRF sets it from outside
        self.request.parser_context = {}
        return response

    def _handler(self, request: Request) -> Any:
        name = (request.method or "").lower()
        if name in self.http_method_names and hasattr(self, name):
            return getattr(self, name)
        return self.http_method_not_allowed

    async def _authenticate(self, request: Any) -> None:
        """Authenticate as DRF's Request does on first access of its user, which cannot be awaited."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.user, request.auth, request._authenticator = None, None, None
        for authenticator in self.get_authenticators():
            request.user, request.auth = await cast(AppKeyAuthentication, authenticator).authenticate(request)
            # DRF answers a refusal with 401 if there is no authenticator, and with 403 if there is one.
            request._authenticator = authenticator if request.auth.key_id is not None else None
