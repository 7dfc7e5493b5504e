"""The background ingest: each worker processes one queued document at a time, under a lease."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from psycopg.types.json import Jsonb

from apps_registry.extraction import READER_VERSION
from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.child import Extraction, extract
from apps_registry.extraction.names import KINDS, suffix
from apps_registry.retrieval import ingest_sql as sql
from apps_registry.retrieval.embeddings.base import EmbedderError, Vector
from apps_registry.retrieval.embeddings.choice import EmbeddingConfig
from apps_registry.retrieval.indexing import Row, detected_language, index_columns
from apps_registry.support import database
from apps_registry.support.forever import forever

logger = logging.getLogger("aomi.ingest")

PAUSE_SECONDS = 1.0
MAX_ATTEMPTS = 3
EMBED_BATCH = 8
NO_PGVECTOR = "Search finds it by words only: this PostgreSQL does not have pgvector 0.8 or newer."


class LeaseLostError(Exception):
    """Another worker has the document, or it was replaced or deleted; this worker discards its result."""


@dataclass(slots=True)
class Job:
    """A document that this worker has claimed."""

    id: int
    app_id: int
    name: str
    state: str
    attempts: int
    lease_id: uuid.UUID
    progress: int = 0
    lost: bool = field(default=False, init=False)

    @property
    def key(self) -> dict[str, Any]:
        """The parameters that select the document: its id, its App and the lease."""
        return {"id": self.id, "app_id": self.app_id, "lease_id": self.lease_id}


async def ingest_forever() -> None:
    """Ingest documents one after another until the worker stops."""
    await forever("ingest", ingest_next, every=PAUSE_SECONDS)


async def ingest_next(app_id: int | None = None) -> bool:
    """Process the next document; return False if there is none.

    Args:
        app_id: process only documents of this App.
    """
    lease_id = uuid.uuid4()
    claim = {"lease_id": lease_id, "lease": settings.INGEST_LEASE_SECONDS, "app_id": app_id}
    if not (rows := await database.execute(sql.CLAIM, claim)):
        return False
    document_id, document_app_id, name, state, attempts = rows[0]
    job = Job(document_id, document_app_id, name, state, attempts, lease_id)
    try:
        async with _renewed_lease(job):
            await _process(job)
    except UnreadableError as error:
        await database.execute(sql.FAIL, {**job.key, "error": str(error), "reader": READER_VERSION})
        logger.info("document %d of App %d cannot be read", job.id, job.app_id)
    except EmbedderError as error:
        await database.execute(sql.POSTPONE, {**job.key, "warning": str(error)})
    except LeaseLostError:
        logger.info("document %d of App %d was taken over, replaced or deleted", job.id, job.app_id)
    except asyncio.CancelledError:
        await asyncio.shield(database.execute(sql.GIVE_BACK, job.key))
        raise
    return True


@asynccontextmanager
async def _renewed_lease(job: Job) -> AsyncIterator[None]:
    """Renew the lease while the body runs; cancel the body if the lease is lost."""
    task = asyncio.current_task()

    async def renew() -> None:
        values = {**job.key, "lease": settings.INGEST_LEASE_SECONDS, "progress": job.progress}
        if not await database.execute(sql.RENEW, values) and task is not None:
            job.lost = True
            task.cancel()

    renewing = forever(
        "ingest-lease", renew, every=min(1.0, settings.INGEST_LEASE_SECONDS / 3), goes_on=lambda: not job.lost
    )
    renewal = asyncio.create_task(renewing, name="ingest-lease")
    try:
        yield
    except asyncio.CancelledError:
        if not job.lost:
            raise
        if task is not None:
            task.uncancel()
        raise LeaseLostError from None
    finally:
        renewal.cancel()


async def _process(job: Job) -> None:
    if job.state == "processing":
        if job.attempts > MAX_ATTEMPTS:
            raise UnreadableError(
                "The server stopped several times while it read this file, so the ingest was abandoned."
            )
        await _read(job)
    ((title, is_indexed, embedded_with, *embedding),) = await _one(sql.READ_SETTINGS, job)
    if not is_indexed:
        await _reindex(job)
    config = EmbeddingConfig(*embedding) if embedding[0] is not None else None
    if embedded_with != (config and config.id):
        await _embed(job, title, config)
    await database.execute(sql.RELEASE, job.key)


async def _one(statement: str, job: Job) -> list[Any]:
    if rows := await database.read(statement, job.key):
        return rows
    raise LeaseLostError


async def _read(job: Job) -> None:
    """Extract the file and replace the old chunks."""
    ((data,),) = await _one(sql.READ_FILE, job)

    def note(percent: int) -> None:
        job.progress = percent

    extraction = await extract(KINDS[suffix(job.name)], bytes(data), on_progress=note)
    title = (extraction.title or job.name)[:200]
    rows = [(chunk.heading, chunk.text) for chunk in extraction.chunks]
    detected, index = await asyncio.to_thread(_index, title, rows)
    async with _transaction(job) as (connection, _, set_language):
        language = set_language or detected
        await connection.execute(sql.DELETE_CHUNKS, job.key)
        values = {**job.key, "title": title, "language": language, "detected": detected}
        await connection.execute(sql.INSERT_CHUNKS, {**values, **_columns(extraction), **index})
        about = {
            "hidden": Jsonb(extraction.hidden),
            "losses": Jsonb(extraction.losses),
            "reader": READER_VERSION,
            "count": len(extraction.chunks),
        }
        await connection.execute(sql.MARK_READY, {**values, **about})
        await connection.execute(sql.MARK_INDEXED, values)
    job.progress = 100


def _index(title: str, rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    """Return the detected language of a document and the columns of its index."""
    return detected_language(rows), index_columns(title, rows)


@asynccontextmanager
async def _transaction(job: Job) -> AsyncIterator[tuple[Any, str, str]]:
    """Begin a transaction that locks the document; yield the connection, its title, and the language that is set.

    The language is empty if it is to be detected. The transaction uses a connection of its own: a long document takes
    longer than a connection of the pool may be held.
    """
    async with await database.connect() as connection, connection.transaction():
        locked = await (await connection.execute(sql.LOCK, job.key)).fetchone()
        if locked is None:
            raise LeaseLostError
        yield connection, *locked


def _columns(extraction: Extraction) -> dict[str, Any]:
    chunks = extraction.chunks
    return {
        "headings": [chunk.heading for chunk in chunks],
        "texts": [chunk.text for chunk in chunks],
        "first_pages": [chunk.pages and chunk.pages[0] for chunk in chunks],
        "last_pages": [chunk.pages and chunk.pages[1] for chunk in chunks],
        "first_lines": [chunk.lines and chunk.lines[0] for chunk in chunks],
        "last_lines": [chunk.lines and chunk.lines[1] for chunk in chunks],
    }


async def _reindex(job: Job) -> None:
    """Index the stored chunks again: for another language, or because an older version of the server indexed them."""
    async with _transaction(job) as (connection, title, set_language):
        chunks = await (await connection.execute(sql.READ_CHUNKS, job.key)).fetchall()
        rows = [(heading, text) for _, heading, text in chunks]
        detected, index = await asyncio.to_thread(_index, title, rows)
        values = {**job.key, "language": set_language or detected, "detected": detected}
        await connection.execute(sql.REINDEX_CHUNKS, {**values, **index, "chunks": [row[0] for row in chunks]})
        await connection.execute(sql.MARK_INDEXED, values)


async def _embed(job: Job, title: str, config: EmbeddingConfig | None) -> None:
    """Store the vectors of all chunks in batches; vectors from an interrupted ingest are kept."""
    ((enabled,),) = await database.execute(sql.ENABLE_VECTORS)
    model = config and config.id
    if config and not enabled:
        raise EmbedderError(NO_PGVECTOR)
    if config:
        await database.execute(sql.INDEX_VECTORS, {"model": model, "dimensions": config.dimensions})
        while rows := await database.read(sql.READ_UNEMBEDDED, {**job.key, "model": model, "batch": EMBED_BATCH}):
            vectors = await config.embedder.embed([embedded_text(title, heading, text) for _, heading, text in rows])
            about = {"chunks": [row[0] for row in rows], "vectors": to_sql(vectors)}
            await database.execute(sql.INSERT_VECTORS, {**job.key, "model": model, **about})
    if enabled:
        await database.execute(sql.FORGET_VECTORS, {**job.key, "model": model})
    await database.execute(sql.MARK_EMBEDDED, {**job.key, "model": model})


def embedded_text(title: str, heading: str, text: str) -> str:
    """Return the text that a chunk's vector is computed from: the document's title, the headings and the text."""
    return "\n".join(filter(None, [title, heading, text]))


def to_sql(vectors: Sequence[Vector]) -> list[str]:
    """Return vectors in the text format of pgvector."""
    return [orjson.dumps(vector).decode() for vector in vectors]
