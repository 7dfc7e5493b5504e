"""The doors of other protocols, tried with the clients that people have."""

from tests import django_ready as django_ready
