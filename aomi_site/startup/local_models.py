"""Starts the models of this machine that Apps use, and gives the default App one."""

import os
from contextlib import ExitStack

from django.conf import settings

from aomi_site.embedded_model.server import EmbeddedModel
from aomi_site.embedded_model.weights import DOWNLOAD_MB, install_weights, is_installed
from aomi_site.practice_model.process import PracticeModel
from aomi_site.processes.local_model import LocalModel
from aomi_site.startup import model_choice
from aomi_site.startup.console import Console
from apps_registry.models import App
from apps_registry.services.seed import EMBEDDED_PROVIDER, PRACTICE_PROVIDER

NOTHING_FOUND = "no OPENAI_API_KEY, OPENAI_BASE_URL or Ollama found; tiny, cannot call tools, makes mistakes"
CHOSEN = {
    EMBEDDED_PROVIDER: "chosen with --model; tiny, cannot call tools, makes mistakes",
    PRACTICE_PROVIDER: "chosen with --model; follows rules and is not a language model",
}


def prepare(console: Console, running: ExitStack, choice: str | None) -> tuple[list[LocalModel], str]:
    """Create the default App if it is missing, and start the models that run on this machine and that an App uses.

    Args:
        console: where progress is printed.
        running: receives the callbacks that stop the models.
        choice: the provider whose model becomes the default App's. None: an existing default App keeps its model, and a
            new one gets the first available model.

    Returns:
        The models, and one line about the default App's model.
    """
    app = App.objects.filter(is_default=True).first()
    line = ""
    if not (app or choice) and (spec := model_choice.configured_model()):
        app, line = spec.seed(), spec.line
    needed = model_choice.local_models_in_use()
    needed |= {choice} if choice else set() if app else {EMBEDDED_PROVIDER}
    models = []
    for slug in sorted(needed):
        models.append(_start(slug, console, running))
        reason = CHOSEN[slug] if choice else NOTHING_FOUND
        spec = model_choice.local_model(slug, models[-1].base_url, reason)
        if slug == choice:
            app, line = spec.use(), spec.line
            line += "; callers get it once you publish the App" if app.live_release_id else ""
        else:
            spec.seed()  # creates the default App, or updates the model's address
            line = line or ("" if app else spec.line)
    return models, line or _line()


def _line() -> str:
    app = App.objects.select_related("default_model__provider").get(is_default=True)
    return model_choice.describe(app)


def _start(slug: str, console: Console, running: ExitStack) -> LocalModel:
    if slug == EMBEDDED_PROVIDER and not is_installed(settings.DATA_DIR):
        console.say(f"Downloading the embedded model, once ({DOWNLOAD_MB} MB; --model practice needs no download):")
        install_weights(settings.DATA_DIR)
    model = PracticeModel(settings.DATA_DIR) if slug == PRACTICE_PROVIDER else EmbeddedModel(settings.DATA_DIR)
    running.callback(model.stop)
    model.launch(os.getpid())
    return model
