"""Views of the protocol: bearer keys, OpenAI's errors, Apps as models."""

from collections.abc import Callable
from typing import Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps_registry.values import AppConfig
from chat.access import app_named, check_chat
from chat.api.base import ApiView
from chat.api.parsers import JSONParser
from chat.doors.openai.errors import NoSuchModel, error_response
from keys.callers import Caller
from keys.http.authentication import NO_VALID_KEY, AppKeyAuthentication
from keys.http.presented import OURS

# What clients send that must send some token but have no key.
NO_KEY = frozenset({"", "none"})


class BearerAuthentication(AppKeyAuthentication):
    """As for the API, but no bearer token is ignored: a client of this protocol sends its key there."""

    async def authenticate(self, request: Request) -> tuple[None, Caller]:  # type: ignore[override]
        """Return (None, caller).

        Raises:
            AuthenticationFailed: the token is not a key that works; see the base class for other errors.
        """
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        is_key = token.strip().startswith(OURS)
        if scheme and not is_key and not (scheme.lower() == "bearer" and token.strip().lower() in NO_KEY):
            raise AuthenticationFailed(NO_VALID_KEY)
        return await super().authenticate(request)


class OpenAIView(ApiView):
    """A view under /v1."""

    schema = None  # OpenAI describes its protocol itself
    authentication_classes = (BearerAuthentication,)
    parser_classes = (JSONParser,)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Any]:
        """Return the handler that answers in OpenAI's envelope."""
        return error_response

    async def app_of_model(self, name: str) -> tuple[AppConfig, str]:
        """Return the App that a model's name means, and the name of the App's model; empty for its default.

        Args:
            name: the slug of an App, or `slug:model`.

        Raises:
            NoSuchModel: there is none, or the caller may not use it.
            OriginNotAllowed, NetworkNotAllowed: the App refuses calls from where the caller is.
        """
        slug, _, model = name.partition(":")
        app = await app_named(self.caller, slug or None) if slug else None
        if app is None or not self.caller.may_use(app) or (model and model not in app.model_names):
            raise NoSuchModel
        return self.note_app(check_chat(self.caller, app)), model
