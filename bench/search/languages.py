"""Measures document search in other languages and for identifiers: `python -m bench.search.languages [--model NAME]`.

Each text of `bench/search/languages/` is a small handbook with 30 questions. Search is tuned on the first 15 of each
only; the others were written at the same time, before any tuning. It needs a migrated database on this machine
(DATABASE_URL, or the embedded one) that no server uses at the same time, and removes its data afterwards.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
os.environ.setdefault("AOMI_ENV", "local")

import django

django.setup()

from apps_registry.models import App, EmbeddingModel, Model, Provider  # noqa: E402
from apps_registry.retrieval.ingest import ingest_next  # noqa: E402
from apps_registry.retrieval.uploads import add_upload  # noqa: E402
from apps_registry.support import database  # noqa: E402
from bench.search.recall import make_app, recall  # noqa: E402

FOLDER = Path(__file__).parent / "languages"
TUNED = 15


def main() -> None:
    """Ask the questions about each text, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="also search with this embedding model, by its name")
    parser.add_argument("--language", help="the document language of the Apps; default: that of a new App")
    parser.add_argument("--misses", action="store_true", help="also print the tuning questions that were not answered")
    options = parser.parse_args()
    try:
        json.dump(asyncio.run(_measure(options)), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    finally:
        App.objects.filter(slug__startswith="recall-bench").delete()
        Model.objects.filter(name="recall-bench").delete()
        Provider.objects.filter(slug="recall-bench").delete()


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    await database.open_pool()
    try:
        return {text.stem: await _one(text, options) for text in sorted(FOLDER.glob("*.md"))}
    finally:
        await database.close_pool()


async def _one(text: Path, options: argparse.Namespace) -> dict[str, Any]:
    app = await asyncio.to_thread(make_app, f"recall-bench-{text.stem}")
    if options.language:
        await App.objects.filter(pk=app.pk).aupdate(document_language=options.language)
    data = await asyncio.to_thread(text.read_bytes)
    await asyncio.to_thread(add_upload, app, name=text.name, data=data)
    await ingest_next(app.pk)
    result = {"words": await _recalls(app, text, options)}
    if options.model:
        model = await EmbeddingModel.objects.aget(name=options.model)
        await App.objects.filter(pk=app.pk).aupdate(embedding_model=model)
        await ingest_next(app.pk)
        result["hybrid"] = await _recalls(app, text, options)
    return result


async def _recalls(app: App, text: Path, options: argparse.Namespace) -> dict[str, Any]:
    questions = json.loads(text.with_suffix(".json").read_text())
    return {
        "tuning": await recall(app, questions[:TUNED], show=options.misses),
        "held_out": await recall(app, questions[TUNED:], show=False),
    }


if __name__ == "__main__":
    main()
