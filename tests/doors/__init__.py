"""The doors of other protocols, tested with real clients."""

from tests import django_ready as django_ready
