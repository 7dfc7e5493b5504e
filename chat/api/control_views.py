"""What a caller may choose from: Apps and models."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps_registry.runtime.app_configs import app_configs
from chat.api.base import ApiView
from chat.api.parameters import app_parameter, text_parameter
from chat.turns.release import answering
from sessions_app.store import store


class AppsView(ApiView):
    """`GET /api/control/apps`, and `/api/session/apps`, whose clients read objects."""

    as_objects = False

    async def get(self, request: Request) -> Response:
        """List the default App and those in the key's scope."""
        self.session_id()
        revision = self.caller.revision
        found = [await app_configs.default(revision=revision)]
        found += [await app_configs.by_id(app_id, revision=revision) for app_id in sorted(self.caller.app_ids)]
        names = dict.fromkeys(app.slug for app in found if app is not None)
        return Response([{"name": name} if self.as_objects else name for name in names])


class ModelView(ApiView):
    """`POST /api/control/model`: the session's next turns are answered by another model."""

    async def post(self, request: Request) -> Response:
        """Choose by `rig`, the model's name; a session that does not exist yet is made."""
        session_id, name = self.session_id(), text_parameter(request, "rig")
        session = await store.load(session_id)
        slug = app_parameter(request)
        app = (await self.app_of(session) if session else None) or await self.usable_app(slug)
        app = await answering(self.caller, app, session)
        if name not in app.model_names:
            raise ValidationError(f"rig is not a model of this App; there are: {', '.join(app.model_names)}.")
        app_id = app.id if slug else None
        made = await store.create(session_id, app_id=app_id, user_state=None, wallet=None) if session is None else None
        await store.choose_model(session_id, name)
        return Response({"success": True, "rig": name, "baml": name, "created": made is not None})


class ModelsView(ApiView):
    """`GET /api/control/models`."""

    async def get(self, request: Request) -> Response:
        """List the models of the session's App, else of the one named, else of the default App."""
        session = await store.load(self.session_id())
        app = (await self.app_of(session) if session else None) or await self.usable_app(app_parameter(request))
        return Response((await answering(self.caller, app, session)).model_names)
