"""The admin pages of sessions and turns; importing the package registers them."""

from sessions_app.admin.session import ChatSessionAdmin
from sessions_app.admin.turn import TurnAdmin

__all__ = ["ChatSessionAdmin", "TurnAdmin"]
