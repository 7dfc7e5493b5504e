"""Measures document search: `python -m bench.search.recall TEXT [--hybrid [--chunks N]]`.

TEXT is the Jargon File 4.4.7 (1.7 MB, in the public domain), to which the questions belong:
  apt-get download jargon-text && dpkg -x jargon-text_*.deb .
  zcat usr/share/doc/jargon-text/jargon.txt.gz > jargon.txt
It needs a migrated database on this machine (DATABASE_URL, or the embedded one) that no server uses at the same time,
and removes its data afterwards. Searches are timed one at a time.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
os.environ.setdefault("AOMI_ENV", "local")

import django

django.setup()

from apps_registry.models import App, Document, Model, Provider  # noqa: E402
from apps_registry.retrieval.ingest import ingest_next  # noqa: E402
from apps_registry.retrieval.search import search  # noqa: E402
from apps_registry.retrieval.uploads import add_upload  # noqa: E402
from apps_registry.support import database  # noqa: E402
from bench import machine  # noqa: E402
from bench.search import queries, search_times  # noqa: E402

HERE = Path(__file__).parent
# Search is tuned on the first questions only; the others were written before, about randomly chosen parts of the text.
# The first of the two held-out sets has been looked at since.
QUESTIONS = {
    "tuning": HERE / "recall_questions.json",
    "held_out": HERE / "recall_held_out.json",
    "second_held_out": HERE / "recall_second_held_out.json",
}
TOP = 5


def main() -> None:
    """Ingest the text, ask the questions, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="the Jargon File as one text file")
    parser.add_argument("--hybrid", action="store_true", help="also search with the embedded embedding model")
    parser.add_argument("--chunks", type=int, default=0, help="also time searches among this many chunks")
    parser.add_argument("--misses", action="store_true", help="also print the questions whose answer was not found")
    options = parser.parse_args()
    if options.chunks and not options.hybrid:
        parser.error("--chunks needs --hybrid")
    app = make_app("recall-bench")
    try:
        json.dump(asyncio.run(_measure(app, options)), sys.stdout, indent=2)
        sys.stdout.write("\n")
    finally:
        App.objects.filter(slug__startswith="recall-bench").delete()
        Model.objects.filter(name="recall-bench").delete()
        Provider.objects.filter(slug="recall-bench").delete()


def make_app(slug: str) -> App:
    """Return a new App with that slug, replacing one from an earlier run."""
    App.objects.filter(slug=slug).delete()
    provider, _ = Provider.objects.get_or_create(slug="recall-bench", base_url="http://127.0.0.1:9/v1")
    model, _ = Model.objects.get_or_create(name="recall-bench", provider=provider, provider_model_id="none")
    return App.objects.create(slug=slug, name=slug, default_model=model)


async def _measure(app: App, options: argparse.Namespace) -> dict[str, Any]:
    await database.open_pool()
    try:
        data = options.text.read_bytes()
        result: dict[str, Any] = {"run": {**machine.describe(), "load before": machine.load()}}
        result["text"] = await _ingest(app, data)
        result["text"] |= await _recalls(app, show=options.misses)
        if options.hybrid:
            await asyncio.to_thread(search_times.choose_embedding, app)
            started = time.perf_counter()
            await ingest_next(app.pk)
            seconds = time.perf_counter() - started
            result["hybrid"] = {"chunks_embedded_per_second": round(result["text"]["chunks"] / seconds, 1)}
            result["hybrid"] |= await _recalls(app, show=options.misses)
        if options.chunks:
            questions = [entry["question"] for name in QUESTIONS for entry in _questions(name)]
            chinese = await asyncio.to_thread(make_app, "recall-bench-chinese")
            await asyncio.to_thread(add_upload, chinese, name="chinese.md", data=queries.chinese_text())
            await ingest_next(chinese.pk)
            result["filled"] = await search_times.measure(app, chinese, options.chunks, questions)
        result["run"]["load after"] = machine.load()
        return result
    finally:
        await database.close_pool()


async def _ingest(app: App, data: bytes) -> dict[str, Any]:
    started = time.perf_counter()
    (outcome,) = await asyncio.to_thread(add_upload, app, name="jargon.txt", data=data)
    await ingest_next(app.pk)
    seconds = time.perf_counter() - started
    assert outcome.document is not None
    document = await Document.objects.aget(pk=outcome.document.pk)
    return {"chunks": document.chunk_count, "ingest_mb_per_second": round(len(data) / 1e6 / seconds, 2)}


def _questions(name: str) -> list[dict[str, str]]:
    questions: list[dict[str, str]] = json.loads(QUESTIONS[name].read_text())
    return questions


async def _recalls(app: App, *, show: bool) -> dict[str, Any]:
    return {name: await recall(app, _questions(name), show=show) for name in QUESTIONS}


async def recall(app: App, questions: list[dict[str, str]], *, show: bool) -> dict[str, Any]:
    """Return how often a passage with the answer is the first result, or among the first five."""
    ranks, misses = [], []
    for question in questions:
        search_result = await search(app.pk, question["question"], limit=TOP)
        held = [question["answer"] in " ".join(passage.text.split()) for passage in search_result.passages]
        ranks.append(held.index(True) + 1 if True in held else None)
        if ranks[-1] is None:
            misses.append(question["question"])
    result: dict[str, Any] = {
        "questions": len(questions),
        f"recall@{TOP}": round(sum(rank is not None for rank in ranks) / len(questions), 3),
        "recall@1": round(sum(rank == 1 for rank in ranks) / len(questions), 3),
    }
    return result | ({"misses": misses} if show else {})


if __name__ == "__main__":
    main()
