"""Titles of sessions, made by the App's model in the background after the first reply."""

import asyncio
import logging

from apps_registry.support.database_errors import is_transient
from apps_registry.support.text.visible_text import visible
from apps_registry.values import AppConfig, ModelConfig, Sampling
from chat.providers.asking import Question
from chat.providers.base import ModelFailure
from chat.turns.background.asides import answer_aside
from chat.turns.output.telling import tell_readers
from chat.wire.events import TitleChangedEvent
from keys.limits.values import LimitExceeded, Payer
from sessions_app.store import store
from sessions_app.values import Session

logger = logging.getLogger("aomi.titles")

ASK = "Write a title for this conversation in at most six words. Answer with the title only."
EXCERPT_CHARS = 2_000
TITLE_MAX_CHARS = 80
MAX_TOKENS = 24
TIMEOUT_SECONDS = 30.0
# Titles are optional: at this limit, further sessions keep the first words of their message.
AT_ONCE = 8

_tasks: set[asyncio.Task[None]] = set()


def make_title_later(session: Session, app: AppConfig, model: ModelConfig, payer: Payer) -> None:
    """Ask the model for a title in the background, if the session has just got its first reply."""
    roles = [message.role for message in session.messages if message.role in {"user", "agent"}]
    if app.makes_titles and roles == ["user", "agent"] and len(_tasks) < AT_ONCE:
        task = asyncio.create_task(_make(session, app, model, payer), name=f"title-{session.id}")
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


def cancel_titles() -> None:
    """Cancel titles in progress, because the worker stops."""
    for task in _tasks:
        task.cancel()


async def _make(session: Session, app: AppConfig, model: ModelConfig, payer: Payer) -> None:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            title = _clean(await _ask(session, app, model, payer))
        if title and await store.give_title(session.id, title=title, instead_of=session.title):
            tell_readers(app.id, TitleChangedEvent(type="title_changed", session_id=session.id, new_title=title))
    except Exception as error:
        if not (isinstance(error, ModelFailure | TimeoutError | LimitExceeded) or is_transient(error)):
            raise
        logger.info("session %s keeps its first words as its title: %s", session.id, type(error).__name__)


async def _ask(session: Session, app: AppConfig, model: ModelConfig, payer: Payer) -> str:
    sampling = Sampling(temperature=app.sampling.temperature, max_reply_tokens=MAX_TOKENS)
    transcript = "\n".join(f"{message.role}: {message.content[:EXCERPT_CHARS]}" for message in session.messages)
    return await answer_aside(Question(model, sampling, ASK, transcript, 4 * TITLE_MAX_CHARS), payer, "title")


def _clean(text: str) -> str:
    """Return the first line without quotes or a trailing dot, cut at a word."""
    lines = [line.strip() for line in visible(text).splitlines()]
    title = next((line for line in lines if line), "").strip("\"'“”*#` ").rstrip(".")
    return title if len(title) <= TITLE_MAX_CHARS else title[:TITLE_MAX_CHARS].rsplit(" ", 1)[0]
