"""The Django app config."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """The turn engine and the HTTP API."""

    name = "chat"

    def ready(self) -> None:
        """Give the limits the rule for what a call reserves."""
        from chat.turns.input.reservation import least_reserved  # noqa: PLC0415 - needs the models
        from keys.limits.floors import use_reservations  # noqa: PLC0415 - needs the models

        use_reservations(least_reserved)
