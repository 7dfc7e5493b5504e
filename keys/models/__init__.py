"""The models of App keys. The hot path reads and writes their tables with statements of its own."""

from keys.models.app_key import BY_COMMAND, AppKey
from keys.models.key_failure import KeyFailure
from keys.models.signing_key import TokenSigningKey

__all__ = ["BY_COMMAND", "AppKey", "KeyFailure", "TokenSigningKey"]
