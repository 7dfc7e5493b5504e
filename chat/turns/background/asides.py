"""Asks a model outside of a turn, within the limits that counted the turn."""

import asyncio
import logging

from apps_registry.support.error_location import location
from chat.providers.asking import Question
from keys.limits.asides import Aside, Kind
from keys.limits.values import Payer

logger = logging.getLogger("aomi.usage")


async def answer_aside(question: Question, payer: Payer, kind: Kind) -> str:
    """Return the model's answer; the payer's limits count its cost.

    Raises:
        LimitExceeded: a limit refuses it; the model was not asked.
        ModelFailure: there is no answer.
    """
    prompt, reply = question.most_tokens
    cost = question.config.cost(prompt, reply)
    aside = Aside(payer=payer, kind=kind, model=question.config.name, most_tokens=prompt + reply, most_cost=cost)
    subjects = await aside.begin()
    try:
        return await question.ask()
    finally:
        # A title in progress is cancelled when the worker stops; its cost is still counted.
        await asyncio.shield(_count(aside, question, subjects))


async def _count(aside: Aside, question: Question, subjects: str | None) -> None:
    prompt, completion = question.prompt_tokens or 0, question.completion_tokens or 0
    is_counted = question.prompt_tokens is not None and question.completion_tokens is not None
    unreported = max(0, aside.most_tokens - prompt - completion) if question.has_begun and not is_counted else 0
    cost = question.config.cost(prompt, completion) if prompt or completion else None
    try:
        await aside.end(subjects, prompt=prompt, completion=completion, unreported=unreported, cost=cost)
    except Exception as error:
        logger.warning("what a %s has used is not counted: %s", aside.kind, location(error))
