"""What of the console is of no app of ours: its name, and its operators."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

admin.site.site_header = "Aomi Apps"
admin.site.site_title = "Aomi Apps"
admin.site.index_title = "Console"
# The product has no public pages that "View site" could lead to.
admin.site.site_url = None
admin.site.unregister(User)


@admin.register(User)
class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Operators are made inactive, as Django advises, not deleted: the record of what they did would go with them."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one; unticking “Active” holds from the operator's next request on."""
        return False
