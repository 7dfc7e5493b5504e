"""Creates the rows that every section needs: `python -m bench.seed MODEL_URL` prints their names as JSON."""

import os
import sys

import django
import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
django.setup()

from apps_registry.http_tools.definition import HttpToolDefinition  # noqa: E402
from apps_registry.models import App, Model, Provider, Tool  # noqa: E402
from keys.limits.values import app_subject, key_subject  # noqa: E402
from keys.models import LimitSet  # noqa: E402
from keys.services import issue_key  # noqa: E402

LARGE = 10**9
LIMITS = {
    **{"requests_per_minute": LARGE, "burst": LARGE, "concurrent_turns": LARGE},
    **{
        f"{what}_per_{per}": 100 * LARGE if what == "tokens" else LARGE // 100
        for what in ("tokens", "money")
        for per in ("day", "month")
    },
}


def seed(model_url: str) -> dict[str, object]:
    """Create Apps that differ in their tools, and a key for all of them."""
    provider = Provider.objects.create(slug="bench", base_url=model_url)
    prices = {"prompt_price": 1, "completion_price": 1}
    model = Model.objects.create(name="bench-model", provider=provider, provider_model_id="bench-model", **prices)
    apps = [_make_app(f"bench-{count}-tools", model, count) for count in (0, 1, 100)]
    key = issue_key(label="bench", apps=apps, slug="bench")
    # Every limit is set but none is reached, so the measurements include their cost.
    for subject in (key_subject(key.app_key.pk), *(app_subject(app.pk) for app in apps)):
        LimitSet.objects.create(subject=subject, **LIMITS)
    return {"key": key.plain, "app_ids": {app.slug: app.pk for app in apps}}


def _make_app(slug: str, model: Model, tools: int) -> App:
    # Without titles and summaries, a turn is one model call. With a long wait, the response includes the whole turn.
    app = App.objects.create(
        slug=slug,
        name=slug,
        default_model=model,
        preamble="You are a helpful assistant.",
        makes_titles=False,
        summarises_history=False,
        reply_wait_seconds=300,
    )
    Tool.objects.bulk_create(_http_tool(app, number) for number in range(tools))
    return app


def _http_tool(app: App, number: int) -> Tool:
    """Create a tool of typical size; the model never calls it."""
    symbol = {"type": "string", "description": "The symbol of a token, such as ETH."}
    days = {"type": "integer", "minimum": 1, "maximum": 365, "description": "How far back."}
    tool = Tool(app=app)
    tool.set_http_definition(
        HttpToolDefinition(
            name=f"price_history_{number}",
            description="Get the daily prices of a token in US dollars over some days.",
            parameters={"type": "object", "properties": {"symbol": symbol, "days": days}, "required": ["symbol"]},
            method="GET",
            url="https://api.example.com/v1/prices/{{ args.symbol }}",
            query={"days": "{{ args.days }}"},
        )
    )
    return tool


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(seed(sys.argv[1])).decode())
