"""The ids of sessions that clients name indirectly, by an Idempotency-Key or by a chat's id in another program.

Some sessions can be read by anyone who has the id, so nobody must be able to compute the id from what a client sends.
It is a digest keyed with a secret that only this deployment's servers know.
"""

import uuid

from django.utils.crypto import salted_hmac

from keys.callers import Caller


def derived_session_id(app_id: int, caller: Caller, name: str, *, purpose: str) -> uuid.UUID:
    """Return the id of the session that a caller names; the same caller and name give the same id.

    This holds until SECRET_KEY changes.

    Args:
        app_id: the App of the session.
        caller: the caller. Two keys never share a session, and neither do callers without a key at two addresses.
        name: the unmodified name.
        purpose: what the names are for; a name gives another id for another purpose.
    """
    text = f"{app_id}\n{_identity(caller)}\n{name}"
    digest = salted_hmac(f"aomi session id {purpose}", text, algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def _identity(caller: Caller) -> str:
    """Return a text that identifies a caller. Browser tokens of one key belong to different people."""
    if caller.token is not None:
        return f"token {caller.token} {caller.address}"
    return f"address {caller.address}" if caller.key_id is None else f"key {caller.key_id}"
