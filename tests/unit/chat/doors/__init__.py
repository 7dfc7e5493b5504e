"""Translations of requests and events, without a server."""

from tests import django_ready as django_ready
