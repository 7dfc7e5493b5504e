"""Measures document search: `python -m bench.recall TEXT [--hybrid] [--chunks N]`.

TEXT is the Jargon File 4.4.7 (1.7 MB, in the public domain), to which the questions belong:
  apt-get download jargon-text && dpkg -x jargon-text_*.deb .
  zcat usr/share/doc/jargon-text/jargon.txt.gz > jargon.txt
It needs a migrated database of its own choice (DATABASE_URL, or the embedded one), and leaves nothing there.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
os.environ.setdefault("AOMI_ENV", "local")

import django

django.setup()

from django.db import connection  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from apps_registry import database  # noqa: E402
from apps_registry.models import App, Document, EmbeddingModel, Model, Provider  # noqa: E402
from apps_registry.retrieval.ingest import ingest_next  # noqa: E402
from apps_registry.retrieval.search import search  # noqa: E402
from apps_registry.retrieval.uploads import add_upload  # noqa: E402

QUESTIONS = Path(__file__).with_name("recall_questions.json")
TOP = 5
FILLED = "recall-bench-filled"

# Copies of the real chunks, each with a word of its own, so that common words are common and rare ones rare.
# The heading remembers the original.
FILL_CHUNKS = """
INSERT INTO apps_registry_documentchunk (app_id, document_id, position, heading, text, search)
SELECT %(app)s, %(document)s, row_number() OVER (), c.id, c.text,
    to_tsvector('english', c.text || ' filler' || (copy * 7919 + c.position) %% 50000)
    || array_to_tsvector(ARRAY[chr(1) || %(app)s::bigint])
FROM apps_registry_documentchunk c, generate_series(1, %(copies)s) copy
WHERE c.document_id = %(source)s AND c.app_id = %(source_app)s LIMIT %(chunks)s
"""
# Each copy's vector lies beside that of its original, in one of 500 directions. The index is built afterwards.
FILL_VECTORS = """
DROP INDEX IF EXISTS chunk_vector_model_%(model)s;
CREATE TEMPORARY TABLE direction AS
    SELECT number, array_agg(((random() - 0.5) * 0.08)::real)::vector AS away
    FROM generate_series(0, 499) number, generate_series(1, 384) GROUP BY number;
INSERT INTO apps_registry_chunkvector (chunk_id, embedding_model_id, app_id, embedding)
SELECT c.id, %(model)s, %(app)s, (v.embedding::vector + direction.away)::halfvec
FROM apps_registry_documentchunk c
JOIN apps_registry_chunkvector v ON v.chunk_id = c.heading::bigint AND v.embedding_model_id = %(model)s
JOIN direction ON direction.number = c.position %% 500
WHERE c.document_id = %(document)s;
SET maintenance_work_mem = '512MB';
SELECT apps_registry_index_vectors(%(model)s, 384);
ANALYZE apps_registry_chunkvector;
"""


def main() -> None:
    """Ingest the text, ask the questions, print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="the Jargon File as one text")
    parser.add_argument("--hybrid", action="store_true", help="also with the embedded embedding model")
    parser.add_argument("--chunks", type=int, default=0, help="also measure the time of a search among so many chunks")
    parser.add_argument("--misses", action="store_true", help="also print the questions whose answer was not found")
    options = parser.parse_args()
    app = _make_app("recall-bench")
    try:
        json.dump(asyncio.run(_measure(app, options)), sys.stdout, indent=2)
    finally:
        App.objects.filter(slug__in=["recall-bench", FILLED]).delete()
        Model.objects.filter(name="recall-bench").delete()
        Provider.objects.filter(slug="recall-bench").delete()


def _make_app(slug: str) -> App:
    App.objects.filter(slug=slug).delete()
    provider, _ = Provider.objects.get_or_create(slug="recall-bench", base_url="http://127.0.0.1:9/v1")
    model, _ = Model.objects.get_or_create(name="recall-bench", provider=provider, provider_model_id="none")
    return App.objects.create(slug=slug, name=slug, default_model=model)


async def _measure(app: App, options: argparse.Namespace) -> dict[str, Any]:
    await database.open_pool()
    try:
        data = options.text.read_bytes()
        result: dict[str, Any] = {"text": await _ingest(app, data)}
        result["text"] |= await _recall(app, show=options.misses)
        if options.hybrid:
            await asyncio.to_thread(_choose_embedding, app)
            began = time.perf_counter()
            await ingest_next(app.pk)
            seconds = time.perf_counter() - began
            result["hybrid"] = {"chunks_embedded_per_second": round(result["text"]["chunks"] / seconds, 1)}
            result["hybrid"] |= await _recall(app, show=options.misses)
        if options.chunks:
            result["filled"] = await _search_filled(app, options.chunks, hybrid=options.hybrid)
        return result
    finally:
        await database.close_pool()


async def _ingest(app: App, data: bytes) -> dict[str, Any]:
    began = time.perf_counter()
    (outcome,) = await asyncio.to_thread(add_upload, app, name="jargon.txt", data=data)
    await ingest_next(app.pk)
    seconds = time.perf_counter() - began
    assert outcome.document is not None
    document = await Document.objects.aget(pk=outcome.document.pk)
    return {"chunks": document.chunk_count, "ingest_mb_per_second": round(len(data) / 1e6 / seconds, 2)}


def _choose_embedding(app: App) -> None:
    App.objects.filter(pk=app.pk).update(embedding_model=EmbeddingModel.objects.get(provider=None))


async def _recall(app: App, *, show: bool) -> dict[str, Any]:
    """Return how often a passage that holds the answer is the first, or among the first five."""
    questions = json.loads(QUESTIONS.read_text())
    ranks, times, misses = [], [], []
    for question in questions:
        began = time.perf_counter()
        found = await search(app.pk, question["question"], limit=TOP)
        times.append(time.perf_counter() - began)
        held = [question["answer"] in " ".join(passage.text.split()) for passage in found.passages]
        ranks.append(held.index(True) + 1 if True in held else None)
        if ranks[-1] is None:
            misses.append(question["question"])
    result: dict[str, Any] = {
        "questions": len(questions),
        f"recall@{TOP}": round(sum(rank is not None for rank in ranks) / len(questions), 3),
        "recall@1": round(sum(rank == 1 for rank in ranks) / len(questions), 3),
        **_quantiles(times),
    }
    return result | ({"misses": misses} if show else {})


async def _search_filled(source: App, chunks: int, *, hybrid: bool) -> dict[str, Any]:
    """Return the time of a search in an App of so many chunks, beside the source's own."""
    app = await asyncio.to_thread(_fill, source, chunks, hybrid)
    questions = json.loads(QUESTIONS.read_text())
    result = {"chunks": chunks, "words": await _times(app, questions)}
    if hybrid:
        await asyncio.to_thread(_choose_embedding, app)
        result["hybrid"] = await _times(app, questions)
    return result


async def _times(app: App, questions: list[dict[str, str]]) -> dict[str, Any]:
    times = []
    for turn in range(6):
        for question in questions:
            began = time.perf_counter()
            await search(app.pk, question["question"], limit=TOP)
            if turn:  # the first round warms up
                times.append(time.perf_counter() - began)
    return _quantiles(times)


def _fill(source: App, chunks: int, hybrid: bool) -> App:
    app = _make_app(FILLED)
    original = Document.objects.get(app=source)
    document = Document.objects.create(
        app=app, name="filled.txt", title="filled", content_hash="filled", size_bytes=1, queued_at=Now(),
        state=Document.State.READY, chunk_count=chunks, language="english",
    )  # fmt: skip
    model = EmbeddingModel.objects.get(provider=None)
    values = {
        "app": app.pk,
        "document": document.pk,
        "source": original.pk,
        "source_app": source.pk,
        "copies": chunks // original.chunk_count + 1,
        "chunks": chunks,
        "model": model.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(FILL_CHUNKS, values)
        cursor.execute("VACUUM ANALYZE apps_registry_documentchunk")
        if hybrid:
            cursor.execute(FILL_VECTORS, values)
    return app


def _quantiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50_ms": round(cuts[49] * 1000, 1), "p99_ms": round(cuts[98] * 1000, 1)}


if __name__ == "__main__":
    main()
