"""Reads the running turns."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

MAX_TURNS = 10

READ = """
SELECT session.id, session.title, COALESCE(app.slug, ''), COALESCE(turn.model, ''), turn.started_at,
    COALESCE((SELECT tool_name FROM sessions_app_message message
        WHERE message.session_id = session.id AND message.turn_id = turn.id AND role = 'tool'
        ORDER BY position DESC LIMIT 1), ''),
    count(*) OVER ()
FROM sessions_app_chatsession session
LEFT JOIN apps_registry_app app ON app.id = session.app_id
LEFT JOIN sessions_app_turn turn ON turn.id = session.running_turn
WHERE session.status = 'processing' ORDER BY turn.started_at, session.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class RunningTurn:
    """A session with a running turn; unknown values are empty.

    Attributes:
        tool: the name of the tool that answered last.
    """

    session_id: UUID
    title: str
    app: str
    model: str
    started_at: datetime | None
    tool: str


def read_running() -> tuple[list[RunningTurn], int]:
    """Return the longest-running turns, and the number of all running turns, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(READ, {"most": MAX_TURNS})
        rows = cursor.fetchall()
    return [RunningTurn(*values) for *values, _ in rows], rows[0][-1] if rows else 0
