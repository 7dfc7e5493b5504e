"""Lists the Apps and models that a caller may choose from, and chooses a model."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apps_registry.runtime.app_configs import app_configs
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import ModelRequest, ModelsRequest
from chat.turns.creating import create_session
from chat.turns.release import config_for_session
from chat.wire.choices import AppName, AppSlugs, ChosenModel, ModelNames
from sessions_app.store import store


class CallersAppsView(ApiView):
    """A view that lists the caller's Apps."""

    async def slugs(self) -> list[str]:
        """Return the default App and those in the key's scope."""
        self.session_id()
        revision = self.caller.revision
        apps = [await app_configs.default(revision=revision)]
        apps += [await app_configs.by_id(app_id, revision=revision) for app_id in sorted(self.caller.app_ids)]
        return list(dict.fromkeys(app.slug for app in apps if app is not None))


class AppsView(CallersAppsView):
    """`GET /api/control/apps`."""

    async def get(self, request: Request) -> Answer[AppSlugs]:
        """List the default App and those in the key's scope."""
        return Answer(await self.slugs())


class AppObjectsView(CallersAppsView):
    """`GET /api/session/apps`, whose clients read objects."""

    async def get(self, request: Request) -> Answer[list[AppName]]:
        """List the default App and those in the key's scope, as objects."""
        return Answer([{"name": slug} for slug in await self.slugs()])


class ModelView(ApiView):
    """`POST /api/control/model`: the session's next turns are answered by another model."""

    @reads(ModelRequest)
    async def post(self, request: Request, params: ModelRequest) -> Answer[ChosenModel]:
        """Choose by `rig`, the model's name; a session that does not exist yet is made."""
        session_id, name, slug = self.session_id(), params.rig, params.app or None
        session = await store.load(session_id)
        app = (await self.app_of(session) if session else None) or await self.usable_app(slug)
        app = await config_for_session(self.caller, app, session)
        if name not in app.model_names:
            raise ValidationError(f"rig is not a model of this App; there are: {', '.join(app.model_names)}.")
        app_id = app.id if slug else None
        created = None
        if session is None:
            created = await create_session(self.caller, session_id, app_id=app_id)
        await store.choose_model(session_id, name)
        return Answer({"success": True, "rig": name, "baml": name, "created": created is not None})


class ModelsView(ApiView):
    """`GET /api/control/models`."""

    @reads(ModelsRequest)
    async def get(self, request: Request, params: ModelsRequest) -> Answer[ModelNames]:
        """List the models of the session's App, else of the one named, else of the default App."""
        session = await store.load(self.session_id())
        app = (await self.app_of(session) if session else None) or await self.usable_app(params.app or None)
        return Answer([*(await config_for_session(self.caller, app, session)).model_names])
