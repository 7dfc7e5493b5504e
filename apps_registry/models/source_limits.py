"""Validators of columns that limit where calls may come from."""

from django.core.exceptions import ValidationError

from apps_registry.support.http.request_sources import parse_networks, parse_origins


def validate_origins(text: str) -> None:
    """Refuse text that is not a list of origins."""
    try:
        parse_origins(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def validate_networks(text: str) -> None:
    """Refuse text that is not a list of networks."""
    try:
        parse_networks(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None
