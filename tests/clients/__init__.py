"""Clients that generators make of the OpenAPI document."""

from tests import django_ready as django_ready
