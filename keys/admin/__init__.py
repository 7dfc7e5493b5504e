"""The console's pages of App keys; importing the package registers them."""

from keys.admin.app_key import AppKeyAdmin

__all__ = ["AppKeyAdmin"]
