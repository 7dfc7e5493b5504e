"""The models of App keys. The hot path reads and writes their tables with its own statements."""

from keys.models.address_use import AddressUse
from keys.models.app_key import BY_COMMAND, AppKey
from keys.models.canary_key import CanaryKey
from keys.models.fuse_state import FuseState
from keys.models.key_failure import KeyFailure
from keys.models.limits import LimitSet, LimitState
from keys.models.refusal import Refusal
from keys.models.signing_key import TokenSigningKey
from keys.models.usage import FOLDED, NO_KEY, WHOLE_DAY, Usage, UsageHour, UsageTotal

__all__ = [
    "BY_COMMAND",
    "FOLDED",
    "NO_KEY",
    "WHOLE_DAY",
    "AddressUse",
    "AppKey",
    "CanaryKey",
    "FuseState",
    "KeyFailure",
    "LimitSet",
    "LimitState",
    "Refusal",
    "TokenSigningKey",
    "Usage",
    "UsageHour",
    "UsageTotal",
]
