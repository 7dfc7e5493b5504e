"""Creates many rows at once with SQL: histories, keys, sessions."""

from collections.abc import Mapping

from bench.load.jobs import FIRST_APP

MESSAGE_LETTERS = 120


def sessions_with_messages(name: str, count: int, messages: int, app_ids: Mapping[str, int]) -> list[str]:
    """Return statements that create sessions with a history; `bench.load.jobs.sessions` returns their ids.

    Args:
        name: of this group of sessions.
        count: how many sessions.
        messages: how many each has, alternately from the user and the App.
        app_ids: the Apps.
    """
    app, session = app_ids[FIRST_APP], f"md5('{name}-' || s)::uuid"
    turn = f"md5('{name}-' || s || '-turn-' || m / 2)::uuid"
    series = f"generate_series(0, {count - 1}) s"
    return [
        f"""INSERT INTO sessions_app_chatsession (id, app_id, status, version, title, title_is_users, chosen_model,
            is_archived, next_position, undelivered_events)
        SELECT {session}, {app}, 'idle', 1, 'a title', false, '', false, {messages}, 0 FROM {series}""",
        f"""INSERT INTO sessions_app_turn (id, session_id, app_id, model, status, partial_text, finish_reason,
            error_code, error_detail, tool_rounds, finished_at)
        SELECT {turn}, {session}, {app}, 'bench-model', 'completed', '', 'stop', '', '', 0, now()
        FROM {series}, generate_series(0, {messages - 1}, 2) m""",
        f"""INSERT INTO sessions_app_message (id, session_id, turn_id, position, role, content, tool_round,
            tool_name, tool_call_id, tool_arguments)
        SELECT md5('{name}-' || s || '-message-' || m)::uuid, {session}, {turn}, m,
            CASE m % 2 WHEN 0 THEN 'user' ELSE 'agent' END, rpad('message ' || m, {MESSAGE_LETTERS}, ' word'),
            0, '', '', '' FROM {series}, generate_series(0, {messages - 1}) m""",
        "ANALYZE sessions_app_message",
    ]


def many_keys(count: int, app_ids: Mapping[str, int]) -> list[str]:
    """Return statements that create keys, each for one App."""
    return [
        f"""WITH made AS (
            INSERT INTO keys_appkey (label, prefix, lookup_id, secret_hash, created_at)
            SELECT 'many', 'sk-many-' || n, 'm' || n, '$argon2id$v=19$m=1024,t=1,p=1$x$y', now()
            FROM generate_series(1, {count}) n RETURNING id)
        INSERT INTO keys_appkey_apps (appkey_id, app_id) SELECT id, {app_ids[FIRST_APP]} FROM made""",
        "ANALYZE keys_appkey",
        "ANALYZE keys_appkey_apps",
    ]


def many_sessions(count: int, app_ids: Mapping[str, int]) -> list[str]:
    """Return statements that create sessions of one turn each."""
    make = sessions_with_messages("many", count, 2, app_ids)
    return [*make, "ANALYZE sessions_app_chatsession", "ANALYZE sessions_app_turn", "CHECKPOINT"]
