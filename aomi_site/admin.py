"""The console's name and its pages for operators."""

from django.contrib import admin

from aomi_site.console import app_page
from aomi_site.logins.attempts_admin import LoginAttemptAdmin
from aomi_site.logins.operators import OperatorAdmin, OperatorGroupAdmin

__all__ = ["LoginAttemptAdmin", "OperatorAdmin", "OperatorGroupAdmin", "app_page"]

admin.site.site_header = "Aomi Apps"
admin.site.site_title = "Aomi Apps"
admin.site.index_title = "Console"
# The product has no public pages that "View site" could lead to.
admin.site.site_url = None
# The console has a navigation of its own: aomi_site/console/navigation.py.
admin.site.enable_nav_sidebar = False
