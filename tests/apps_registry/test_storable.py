"""The check of storable text agrees with what PostgreSQL accepts."""

from django.db import DataError, connection
from hypothesis import given

from apps_registry.support.text.outside_text import is_storable, is_storable_data
from tests.wild import wild_text


@given(wild_text)
def test_storable_text_is_what_postgres_accepts(text: str) -> None:
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT %s::text", [text])
        except (ValueError, DataError):  # half of a surrogate pair is not valid UTF-8
            assert not is_storable(text)
        else:
            assert cursor.fetchone() == (text,)
            assert is_storable(text)
    assert is_storable_data({text: [text]}) is is_storable(text)
