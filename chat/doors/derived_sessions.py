"""The ids of sessions that clients name in their own way: by an Idempotency-Key, or by an id of a chat elsewhere.

A session's id can be all that it takes to read the session, so an id that is made from what a client sends must not
follow from public values: it is a keyed digest, with a secret that only this deployment's servers know.
"""

import uuid

from django.utils.crypto import salted_hmac

from keys.callers import Caller


def derived_session_id(app_id: int, caller: Caller, name: str, *, purpose: str) -> uuid.UUID:
    """Return the session's id that belongs to a name; the same caller gets the same id for the same name.

    After a change of SECRET_KEY, the same name gives another id.

    Args:
        app_id: the App of the session.
        caller: who names it. Two keys never meet in one session, nor do callers without a key at two addresses.
        name: the unmodified name.
        purpose: of the names, so that two kinds of names never meet.
    """
    text = f"{app_id}\n{_identity(caller)}\n{name}"
    digest = salted_hmac(f"aomi session id {purpose}", text, algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def _identity(caller: Caller) -> str:
    """Return what tells a caller apart from others. The bearers of one key's tokens are different people."""
    if caller.token is not None:
        return f"token {caller.token} {caller.address}"
    return f"address {caller.address}" if caller.key_id is None else f"key {caller.key_id}"
