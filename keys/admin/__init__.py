"""The console's pages of App keys; importing the package registers them."""

from keys.admin.app_key import AppKeyAdmin
from keys.admin.canary_key import CanaryKeyAdmin
from keys.admin.fuse import FuseAdmin
from keys.admin.refusal import RefusalAdmin

__all__ = ["AppKeyAdmin", "CanaryKeyAdmin", "FuseAdmin", "RefusalAdmin"]
