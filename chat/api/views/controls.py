"""Lists the Apps and models that a caller may choose from, and chooses a model."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from chat.access import apps_to_list
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import ModelRequest, ModelsRequest
from chat.turns.release import config_for_session
from chat.wire.choices import AppName, AppSlugs, ChosenModel, ModelNames
from sessions_app.store import store


class CallersAppsView(ApiView):
    """A view that lists the caller's Apps."""

    async def slugs(self) -> list[str]:
        """Return the names of the Apps that the caller may use."""
        self.session_id()
        return [app.slug for app in await apps_to_list(self.caller)]


class AppsView(CallersAppsView):
    """`GET /api/control/apps`."""

    async def get(self, request: Request) -> Answer[AppSlugs]:
        """List the Apps that the caller may use: the default App and those in the key's scope."""
        return Answer(await self.slugs())


class AppObjectsView(CallersAppsView):
    """`GET /api/session/apps`, whose clients read objects."""

    async def get(self, request: Request) -> Answer[list[AppName]]:
        """List the Apps that the caller may use, as objects."""
        return Answer([{"name": slug} for slug in await self.slugs()])


class ModelView(ApiView):
    """`POST /api/control/model`."""

    @reads(ModelRequest)
    async def post(self, request: Request, params: ModelRequest) -> Answer[ChosenModel]:
        """Choose the model that answers the session's next turns; a session that does not exist is created."""
        session_id, name, slug = self.session_id(), params.rig, params.app or None
        session = await store.load(session_id)
        app = (await self.app_of(session) if session else None) or await self.usable_app(slug)
        app = await config_for_session(self.caller, app, session)
        if name not in app.model_names:
            raise ValidationError(f"rig is not a model of this App. Models: {', '.join(app.model_names)}.")
        created = None
        if session is None:
            created = await self.create_session(session_id, app if slug else None)
        await store.choose_model(session_id, name)
        return Answer({"success": True, "rig": name, "baml": name, "created": created is not None})


class ModelsView(ApiView):
    """`GET /api/control/models`."""

    @reads(ModelsRequest)
    async def get(self, request: Request, params: ModelsRequest) -> Answer[ModelNames]:
        """List the models of the session's App, otherwise of `app`, otherwise of the default App."""
        session = await store.load(self.session_id())
        app = (await self.app_of(session) if session else None) or await self.usable_app(params.app or None)
        return Answer([*(await config_for_session(self.caller, app, session)).model_names])
