"""What turns find out about a model's provider, kept with the model's row, where every worker reads it."""

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
    """Keep rules with a model while its answer streams in; the next request of any worker goes by them."""
    task = asyncio.create_task(remember(config, rules), name=f"rules-{config.name}")
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def remember(config: ModelConfig, rules: RequestRules) -> None:
    """Keep rules with a model's row; without Postgres the next turn finds them out again."""
    if config.id is None:
        return
    try:
        if await run_orm(remember_rules, config.id, rules):
            logger.warning("requests to the model %s differ from now on: %s", config.name, rules.as_json())
    except Exception as error:
        logger.warning("rules of the model %s not kept: %s", config.name, location(error))
