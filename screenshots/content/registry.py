"""Models, Apps with their tools and documents, and releases."""

import asyncio
import io
from decimal import Decimal
from pathlib import Path

from django.core.management import call_command

from apps_registry.models import App, Model, Provider
from apps_registry.releases.services import publish
from apps_registry.retrieval.ingest import ingest_next
from apps_registry.retrieval.uploads import add_upload
from apps_registry.services.seed import seed_default_app
from apps_registry.support import database

FILES = Path(__file__).parent / "apps"
PRICES = {"swift-2": ("0.15", "0.60"), "deep-1": ("2.00", "8.00")}
BROKEN_PDF = b"%PDF-1.4\n% A file that was cut off while it was sent.\n"


def fill_registry(model_url: str) -> dict[str, App]:
    """Create models of a provider at this base URL, and Apps; return the Apps by slug."""
    _make_models(model_url)
    for name in ("support", "handbook"):
        call_command("import_app", str(FILES / f"{name}.yaml"), "--apply", stdout=io.StringIO(), stderr=io.StringIO())
    support = App.objects.get(slug="support")
    add_upload(support, name="price-list.pdf", data=BROKEN_PDF)
    asyncio.run(_read_documents())
    _publish_twice(support)
    publish(App.objects.get(slug="handbook"))
    return {app.slug: app for app in App.objects.all()}


def _make_models(model_url: str) -> None:
    seed_default_app(
        provider_slug="models-example",
        base_url=model_url,
        api_key="",
        model_name="swift-2",
        provider_model_id="swift-2-2026-09",
        context_window=128_000,
        supports_tools=True,
    )
    provider = Provider.objects.get(slug="models-example")
    Model.objects.create(name="deep-1", provider=provider, provider_model_id="deep-1", supports_tools=True)
    for name, (prompt, completion) in PRICES.items():
        prices = {"prompt_price": Decimal(prompt), "completion_price": Decimal(completion)}
        Model.objects.filter(name=name).update(**prices)


async def _read_documents() -> None:
    """Ingest all documents in this process, so that no server is needed."""
    await database.open_pool()
    try:
        while await ingest_next():
            pass
    finally:
        await database.close_pool()


def _publish_twice(app: App) -> None:
    publish(app)
    app.refresh_from_db()
    app.preamble += "Answer in the customer's language.\n"
    app.save(update_fields=["preamble"])
    publish(app)
    app.refresh_from_db()
    app.preamble += "Offer express delivery for orders before 14:00.\n"  # a change that is not published yet
    app.save(update_fields=["preamble"])
