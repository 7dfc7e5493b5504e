"""The life cycle of a key: issue, change, rotate, revoke. Pages, commands and the API call these."""

from keys.services.changing import KeyChange, change_key
from keys.services.channels import channel_named
from keys.services.issuing import IssuedKey, default_expiry, issue_key
from keys.services.revoking import Selection, revoke_key, revoke_keys, selected_keys
from keys.services.rotating import OVERLAP_MAX_HOURS, Rotation, end_overlap, rotate_key

__all__ = [
    "OVERLAP_MAX_HOURS",
    "IssuedKey",
    "KeyChange",
    "Rotation",
    "Selection",
    "change_key",
    "channel_named",
    "default_expiry",
    "end_overlap",
    "issue_key",
    "revoke_key",
    "revoke_keys",
    "rotate_key",
    "selected_keys",
]
