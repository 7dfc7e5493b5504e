"""Tests that need neither a database nor a server: `pytest tests/unit` takes seconds."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(autouse=True)
def _no_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.block():
        yield
