"""The errors that each generated client is tested with."""

import uuid
from datetime import UTC, datetime, timedelta

from apps_registry.models import App
from tests import factories

# No such session, a wrong key, a running turn, and one Idempotency-Key for two messages.
PROBLEMS = ["404 not_found", "401 invalid_app_key", "409 session_busy", "422 idempotency_mismatch"]


def busy_session(app: App) -> str:
    """Return a session whose turn seems to run on another worker."""
    lease = datetime.now(UTC) + timedelta(minutes=10)
    session = factories.make_session(
        app, id=uuid.uuid4(), status="processing", running_turn=uuid.uuid4(), lease_expires_at=lease
    )
    return str(session.pk)
