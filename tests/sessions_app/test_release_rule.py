"""Which release answers in a session: the claim's SQL stores what Python runs."""

import itertools

from django.db import connection

from apps_registry.values import release_kept_sql, release_to_run

# The rule only compares ids, so three of them cover all cases.
IDS = (None, 1, 2, 3)
KEPT = release_kept_sql(live="live", kept="kept", keeps="keeps")
SQL = f"SELECT {KEPT} FROM (SELECT %s::bigint, %s::bigint, %s) AS session(live, kept, keeps)"


def test_sql_and_python_agree() -> None:
    for live, kept, keeps in itertools.product(IDS, IDS, (True, False)):
        with connection.cursor() as cursor:
            cursor.execute(SQL, [live, kept, keeps])
            (stored,) = cursor.fetchone()
        assert stored == (release_to_run(live, kept, keeps=keeps) if keeps else None)
