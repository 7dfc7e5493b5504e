"""Stores the rules that turns learn about a provider with the model's row, which every worker reads."""

import asyncio
import logging

from apps_registry.provider_rules.request_rules import RequestRules
from apps_registry.services.model_rules import remember_rules
from apps_registry.support.database import run_orm
from apps_registry.support.error_location import location
from apps_registry.values import ModelConfig

logger = logging.getLogger("aomi.models")

_tasks: set[asyncio.Task[None]] = set()


def remember_later(config: ModelConfig, rules: RequestRules) -> None:
    """Store rules in the background; later requests of every worker follow them."""
    task = asyncio.create_task(remember(config, rules), name=f"rules-{config.name}")
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def remember(config: ModelConfig, rules: RequestRules) -> None:
    """Store rules with a model's row; if that fails, the next turn learns them again."""
    if config.id is None:
        return
    try:
        if await run_orm(remember_rules, config.id, rules):
            logger.warning("requests to the model %s are changed from now on: %s", config.name, rules.as_json())
    except Exception as error:
        logger.warning("rules of the model %s could not be stored: %s", config.name, location(error))
