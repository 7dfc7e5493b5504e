"""Which release of an App answers in a session."""

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from keys.callers import Caller
from sessions_app.values import Session


class ReleaseUnusable(Exception):
    """The release that would answer cannot be run; the message names it and its App."""


async def answering(caller: Caller, app: AppConfig, session: Session | None) -> AppConfig:
    """Return what answers in a session of an App: the release that it keeps, else the live one, else the draft.

    Raises:
        ReleaseUnusable: it cannot be run.
    """
    kept = session.release_id if session else None
    config = await app_configs.for_session(app, kept, revision=caller.revision)
    if config.problem:
        raise ReleaseUnusable(config.problem)
    return config
