"""Chooses the release of an App that answers in a session."""

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from keys.callers import Caller
from sessions_app.values import Session


class ReleaseUnusable(Exception):
    """The release that would answer cannot be run; the exception's text names it and its App."""


async def config_for_session(caller: Caller, app: AppConfig, session: Session | None) -> AppConfig:
    """Return the configuration that answers in a session: its kept release, else the live one, else the draft.

    Raises:
        ReleaseUnusable: it cannot be run.
    """
    kept_release_id = session.release_id if session else None
    config = await app_configs.for_session(app, kept_release_id, revision=caller.revision)
    if config.problem:
        raise ReleaseUnusable(config.problem)
    return config
