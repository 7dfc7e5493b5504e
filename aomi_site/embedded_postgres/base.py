"""Django's PostgreSQL backend for the server in the data folder."""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base as postgresql

from aomi_site.embedded_postgres.server import PORT, ensure_running


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """A connection that starts the embedded server if it is not running."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's connection parameters, after making sure that the server accepts connections.

        Raises:
            ImproperlyConfigured: the server is unavailable; the message says why.
        """
        params: dict[str, Any] = super().get_connection_params()
        params.update(host=str(ensure_running(settings.DATA_DIR)), port=PORT)
        return params
