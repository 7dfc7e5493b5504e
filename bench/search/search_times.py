"""Measures searches among many chunks: the time of each part, and what the index misses. recall.py uses it.

A busy machine makes each search slower. So each query is asked several times, and next to the times of all searches
there are those of the quickest one of each query, and its processor time, in PostgreSQL and in this process together.
"""

import asyncio
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models.functions import Now

from apps_registry.models import App, Document, EmbeddingModel
from apps_registry.retrieval.analysis import INDEX_VERSION
from apps_registry.retrieval.passages import fuse
from apps_registry.retrieval.rankings import EXACT_UP_TO, SearchPlan, by_vector, by_words, make_plan
from apps_registry.retrieval.search import query_vector, search
from apps_registry.support import database
from bench.cpu import running_seconds
from bench.search import queries

R = TypeVar("R")

ROUNDS = 5
FILLERS = 50_000
SHARES = {"all": 1, "tenth": 10, "hundredth": 100}
PARTS = ("plan", "words", "vector_of_query", "vector_scan", "fuse")

# Copies of the real chunks, each with its own word, so that common words stay common and rare words stay rare.
# The heading identifies the original.
FILL_CHUNKS = """
INSERT INTO apps_registry_documentchunk (app_id, document_id, position, heading, text, search)
SELECT %(app)s, %(document)s, row_number() OVER (), c.id, c.text,
    ts_delete(c.search, chr(1) || %(source_app)s::bigint)
    || to_tsvector('english', 'filler' || (copy * 7919 + c.position) %% %(fillers)s)
    || array_to_tsvector(ARRAY[chr(1) || %(app)s::bigint])
FROM apps_registry_documentchunk c, generate_series(1, %(copies)s) copy
WHERE c.document_id = %(source)s AND c.app_id = %(source_app)s LIMIT %(chunks)s
"""
# Each copy's vector is close to that of its original, in one of 500 directions.
FILL_VECTORS = """
SELECT setseed(0.5);
CREATE TEMPORARY TABLE direction AS
    SELECT number, array_agg(((random() - 0.5) * 0.08)::real)::vector AS away
    FROM generate_series(0, 499) number, generate_series(1, 384) GROUP BY number;
INSERT INTO apps_registry_chunkvector (chunk_id, embedding_model_id, app_id, embedding)
SELECT c.id, %(model)s, c.app_id, (v.embedding::vector + direction.away)::halfvec
FROM apps_registry_documentchunk c
JOIN apps_registry_chunkvector v ON v.chunk_id = c.heading::bigint AND v.embedding_model_id = %(model)s
JOIN direction ON direction.number = c.position %% 500
WHERE c.app_id = ANY (%(apps)s);
"""
INDEX = "SET maintenance_work_mem = '512MB'; SELECT apps_registry_index_vectors(%(model)s, 384)"

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'aomi' AND datname = current_database()"


async def measure(source: App, chinese: App, chunks: int, questions: Sequence[str]) -> dict[str, Any]:
    """Return wall times, processor times and index misses for Apps with all chunks, a tenth and a hundredth of them.

    Args:
        source: an App with one embedded document; the other Apps get copies of its chunks.
        chinese: an App with one document in Chinese, which is copied too.
        chunks: the number of chunks in the largest App.
        questions: the search queries about the first document.
    """
    apps, result = await asyncio.to_thread(_fill, source, chunks)
    in_chinese = await asyncio.to_thread(_copy, chinese, "recall-bench-all-chinese", chunks)
    await asyncio.to_thread(_vacuum)
    result["words"] = {
        "questions": await _search(apps["all"], questions),
        "rare tokens": await _search(apps["all"], queries.rare_tokens(FILLERS)),
        "typing errors": await _search(apps["all"], [queries.with_typing_errors(question) for question in questions]),
        "Chinese": await _search(in_chinese, queries.chinese_questions()),
    }
    for app in apps.values():
        await asyncio.to_thread(choose_embedding, app)
    result["hybrid"] = await _search(apps["all"], questions)
    result["hybrid"]["parts"] = await _parts(apps["all"], questions)
    for name, app in apps.items():
        result[f"vectors_of_{name}"] = await _index_recall(app, questions)
    return result


def choose_embedding(app: App) -> None:
    """Make an App use the embedded embedding model."""
    App.objects.filter(pk=app.pk).update(embedding_model=_embedded_model())


def _embedded_model() -> EmbeddingModel:
    return EmbeddingModel.objects.get(provider=None, provider_model_id="")


def _fill(source: App, chunks: int) -> tuple[dict[str, App], dict[str, Any]]:
    apps, took = {}, {}
    model = _embedded_model()
    with connection.cursor() as cursor:
        started = time.perf_counter()
        for name, share in SHARES.items():
            apps[name] = _copy(source, f"recall-bench-{name}", chunks // share)
        took["chunks_stored_per_second"] = sum(chunks // share for share in SHARES.values()) / _since(started)
        cursor.execute(f"DROP INDEX IF EXISTS chunk_vector_model_{model.pk}")
        values: dict[str, Any] = {"model": model.pk, "apps": [app.pk for app in apps.values()]}
        cursor.execute(FILL_VECTORS, values)
        started = time.perf_counter()
        cursor.execute(INDEX, values)
        took["index_build_seconds"] = _since(started)
    return apps, {"chunks": chunks, **{name: round(value, 1) for name, value in took.items()}}


def _vacuum() -> None:
    with connection.cursor() as cursor:
        for table in ("documentchunk", "chunkvector", "chunkword"):
            cursor.execute(f"VACUUM ANALYZE apps_registry_{table}")


def _copy(source: App, slug: str, chunks: int) -> App:
    App.objects.filter(slug=slug).delete()
    app = App.objects.create(slug=slug, name=slug, default_model=source.default_model)
    original = Document.objects.get(app=source)
    document = Document.objects.create(
        app=app, name="filled.txt", title="filled", content_hash="filled", size_bytes=1, queued_at=Now(),
        state=Document.State.READY, chunk_count=chunks, language=original.language,
        detected_language=original.detected_language, index_version=INDEX_VERSION,
    )  # fmt: skip
    about = {"app": app.pk, "document": document.pk, "source": original.pk, "source_app": source.pk, "fillers": FILLERS}
    with connection.cursor() as cursor:
        copies = chunks // original.chunk_count + 1
        cursor.execute(FILL_CHUNKS, {**about, "copies": copies, "chunks": chunks})
    return app


async def _search(app: App, asked: Sequence[str]) -> dict[str, Any]:
    """Return the times of whole searches in milliseconds, and the passages that they found on average."""
    found = [len((await search(app.pk, query)).passages) for query in asked]  # warm-up
    processes = [os.getpid(), *(pid for (pid,) in await database.read(BACKENDS))]
    walls: dict[str, list[float]] = defaultdict(list)
    cpus: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for query in asked:
            before = running_seconds(processes)
            walls[query].append((await _timed(search(app.pk, query)))[1])
            cpus[query].append(running_seconds(processes) - before)
    return {
        "queries": len(asked),
        "passages": round(statistics.mean(found), 1),
        "all": _quantiles([seconds for times in walls.values() for seconds in times]),
        "quickest": _quantiles([min(times) for times in walls.values()]),
        "cpu": _quantiles([min(times) for times in cpus.values()]),
    }


async def _parts(app: App, questions: Sequence[str]) -> dict[str, Any]:
    """Return the wall time of each part, run one after the other; a real search computes both rankings concurrently."""
    times: dict[str, list[float]] = defaultdict(list)

    async def part(name: str, awaitable: Awaitable[R]) -> R:
        result, seconds = await _timed(awaitable)
        times[name].append(seconds)
        return result

    for _ in range(ROUNDS):
        for question in questions:
            plan = await part("plan", _plan(app, question))
            words, exact = await part("words", by_words(plan))
            assert plan.embedding is not None
            vector = await part("vector_of_query", query_vector(plan.embedding, question))
            near = await part("vector_scan", by_vector(plan, plan.embedding, vector))
            started = time.perf_counter()
            fuse(list(words), list(near), first=exact)
            times["fuse"].append(_since(started))
    return {name: _quantiles(times[name]) for name in PARTS}


async def _plan(app: App, question: str) -> SearchPlan:
    plan = await make_plan(app.pk, question, tag=None, documents=None)
    assert plan is not None
    return plan


async def _index_recall(app: App, questions: Sequence[str]) -> dict[str, Any]:
    """Return the share of the App's true nearest chunks that the index over all Apps finds, and the times of both."""
    times: dict[bool, list[float]] = {True: [], False: []}
    recalls: dict[int, list[float]] = {5: [], 50: []}
    for question in questions:
        plan = await _plan(app, question)
        assert plan.embedding is not None
        vector, nearest = await query_vector(plan.embedding, question), {}
        for exact in (True, False, True, False):  # the second time counts
            nearest[exact], seconds = await _timed(by_vector(plan, plan.embedding, vector, exact=exact))
            times[exact].append(seconds)
        for top, shares in recalls.items():
            truly = list(nearest[True])[:top]
            shares.append(len({*truly} & {*list(nearest[False])[:top]}) / len(truly))
    return {
        "chunks": plan.chunks,
        "search_takes": "exact" if plan.chunks <= EXACT_UP_TO else "index",
        **{f"index_recall@{top}": round(statistics.mean(shares), 3) for top, shares in recalls.items()},
        "index": _quantiles(times[False][1::2]),
        "exact": _quantiles(times[True][1::2]),
    }


async def _timed(awaitable: Awaitable[R]) -> tuple[R, float]:
    started = time.perf_counter()
    return await awaitable, _since(started)


def _since(started: float) -> float:
    return time.perf_counter() - started


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"p{percent}_ms": round(cuts[percent - 1] * 1000, 1) for percent in (50, 95, 99)}
