"""Clients generated from the OpenAPI document."""

from tests import django_ready as django_ready
