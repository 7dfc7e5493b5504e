"""Chooses the state of an App that answers in a session: by the caller's channel, and the release the session keeps."""

from apps_registry.runtime.app_configs import app_configs
from apps_registry.values import AppConfig
from keys.callers import Caller
from sessions_app.turns.values import SessionOfAnotherChannel
from sessions_app.values import Session

RELEASE_GONE = "The release that this key follows was deleted. The key must be given another channel."


class ReleaseUnusable(Exception):
    """The release that would answer cannot be run; the exception's text names it and its App."""


async def config_for_session(caller: Caller, app: AppConfig, session: Session | None) -> AppConfig:
    """Return the configuration that answers in a session.

    In the live channel: the session's kept release, else the live one, else the draft. In another channel: the draft,
    or the release that the key follows.

    Args:
        caller: the caller.
        app: the App's live configuration.
        session: the session; None if there is none yet.

    Raises:
        ReleaseUnusable: it cannot be run, or was deleted.
        SessionOfAnotherChannel: the session began in another channel than the caller's.
    """
    config = await _config_in_channel(caller, app, session)
    if session is not None and not session.continues_in(caller.channel_of(app.id).name):
        raise SessionOfAnotherChannel
    if config.problem:
        raise ReleaseUnusable(config.problem)
    return config


async def _config_in_channel(caller: Caller, app: AppConfig, session: Session | None) -> AppConfig:
    channel = caller.channel_of(app.id)
    if channel.kind == "live":
        kept_release_id = session.release_id if session else None
        return await app_configs.for_session(app, kept_release_id, revision=caller.revision)
    if channel.kind == "draft":
        config = await app_configs.draft(app.id, revision=caller.revision)
    elif channel.release_id is None:
        config = None
    else:
        config = await app_configs.release(app.id, channel.release_id, revision=caller.revision)
    if config is None:
        raise ReleaseUnusable(RELEASE_GONE)
    return config
