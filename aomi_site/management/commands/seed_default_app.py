"""`manage.py seed_default_app`: creates the App that needs no key."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from aomi_site.startup.model_choice import configured_model
from apps_registry.credentials.encryption import NoKeys
from apps_registry.credentials.header_fit import UnfitKey
from apps_registry.management.base import TeachingCommand
from apps_registry.models import App
from apps_registry.services.seed import seed_default_app


class Command(TeachingCommand):
    """Creates the default App unless there is one."""

    help = """\
Create the default App, which callers use without a key, with all built-in tools.

If there is a default App already, nothing changes. The model is the one in the options; without them, OPENAI_MODEL at
OPENAI_BASE_URL with OPENAI_API_KEY; without these, the first model of Ollama on this machine. A key from the
environment is stored encrypted with SECRETS_KEYS, so the server does not need the variable.
"""
    examples = """\
examples:
  OPENAI_API_KEY=... python manage.py seed_default_app
  python manage.py seed_default_app --model llama3.2 --base-url http://127.0.0.1:11434/v1
  python manage.py seed_default_app --model gpt-4o --base-url https://api.openai.com/v1 --api-key-env OPENAI_API_KEY
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", metavar="NAME", help="the provider's name for the model")
        parser.add_argument("--base-url", metavar="URL", help="the provider's address before /chat/completions")
        parser.add_argument(
            "--api-key-env", metavar="NAME", default="", help="the environment variable with the provider's key"
        )
        parser.add_argument(
            "--context-window",
            type=int,
            default=128_000,
            help="the model's context window in tokens (default: %(default)s)",
        )
        parser.add_argument("--no-tools", action="store_true", help="the model cannot call tools")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Create the App and report the result."""
        existing = App.objects.filter(is_default=True).first()
        try:
            app, was_made = (existing, False) if existing else seed_default_app(**_model(options))
        except (NoKeys, UnfitKey) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.write_json({"app": app.slug, "model": app.default_model.name, "created": was_made})
        elif was_made:
            self.stdout.write(f"Created the default App {app.slug!r} with the model {app.default_model.name}.")
        else:
            self.stdout.write(f"There is already a default App, {app.slug!r}; nothing was changed.")


def _model(options: dict[str, Any]) -> dict[str, Any]:
    name, base_url = options["model"], options["base_url"]
    if bool(name) != bool(base_url):
        raise CommandError("--model and --base-url must be given together.")
    if name:
        if not base_url.startswith(("http://", "https://")):
            raise CommandError(f"--base-url is {base_url!r}; it must be a URL such as https://host/v1.")
        return {
            "provider_slug": "default",
            "base_url": base_url.rstrip("/"),
            "api_key": _key_in(options["api_key_env"]),
            "model_name": name[:100],
            "provider_model_id": name,
            "context_window": options["context_window"],
            "supports_tools": not options["no_tools"],
        }
    if options["api_key_env"]:
        raise CommandError("--api-key-env needs --model and --base-url.")
    spec = configured_model()
    if spec is None:
        raise CommandError(
            "There is no model for the App: use --model and --base-url, set OPENAI_API_KEY or OPENAI_BASE_URL, or run "
            "Ollama. (manage.py quickstart can also download a small model.)"
        )
    return spec.values()


def _key_in(variable: str) -> str:
    """Return the key in a variable; empty if no variable is named."""
    key = os.environ.get(variable, "") if variable else ""
    if variable and not key:
        raise CommandError(f"--api-key-env: the variable {variable} is not set.")
    return key
