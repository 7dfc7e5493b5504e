"""`GET /v1/models`: the Apps that a caller may use."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps_registry.values import AppConfig
from chat.access import apps_to_list
from chat.doors.openai.base import OpenAIView


class ModelsView(OpenAIView):
    """Lists the default App and those in the key's scope."""

    async def get(self, request: Request) -> Response:
        """Answer with the list."""
        return Response({"object": "list", "data": [_model(app.slug, app) for app in await apps_to_list(self.caller)]})


class OneModelView(OpenAIView):
    """Describes one App."""

    async def get(self, request: Request, name: str) -> Response:
        """Answer with the App of a name, which is its slug, or `slug:model` for one of its models."""
        app, _ = await self.app_of_model(name)
        return Response(_model(name, app))


def _model(name: str, app: AppConfig) -> dict[str, Any]:
    created = int(app.created_at.timestamp()) if app.created_at else 0
    return {"id": name, "object": "model", "created": created, "owned_by": "aomi"}
