"""Views of the protocol: bearer keys, OpenAI's errors, Apps as models."""

from collections.abc import Callable
from typing import Any

from apps_registry.values import AppConfig
from chat.access import AppNotAuthorized, KeyNeeded, app_named, check_chat
from chat.api.base import ApiView
from chat.api.parsers import JSONParser
from chat.doors.authentication import BearerAuthentication
from chat.doors.openai.errors import NoSuchModel, error_response


class OpenAIView(ApiView):
    """A view under /v1."""

    schema = None  # OpenAI describes its protocol itself
    authentication_classes = (BearerAuthentication,)
    parser_classes = (JSONParser,)
    # For refusals: where the message is, and the field of each tool that holds its parts.
    message_param = "messages"
    tool_field = ""

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Any]:
        """Return the handler that answers in OpenAI's envelope."""
        return error_response

    async def app_of_model(self, name: str) -> tuple[AppConfig, str]:
        """Return the App that a model's name means, and the name of the App's model; empty for its default.

        Args:
            name: the slug of an App, or `slug:model`.

        Raises:
            KeyNeeded: the caller has no key, and the App is not the default one.
            NoSuchModel: there is none, or the caller may not use it.
            OriginNotAllowed, NetworkNotAllowed: the App refuses calls from where the caller is.
        """
        slug, _, model = name.partition(":")
        app = await app_named(self.caller, slug or None) if slug else None
        if not self.caller.may_use(app) and self.caller.key_id is None:
            raise KeyNeeded
        if app is None or not self.caller.may_use(app):
            raise NoSuchModel(AppNotAuthorized(app).rule)
        if model and model not in app.model_names:
            raise NoSuchModel("model_unknown")
        return self.note_app(check_chat(self.caller, app)), model
