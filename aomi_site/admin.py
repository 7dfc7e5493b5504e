"""The admin console's name, set here for every page of it."""

from django.contrib import admin

admin.site.site_header = "Aomi Apps"
admin.site.site_title = "Aomi Apps"
admin.site.index_title = "Console"
# The product has no public pages that "View site" could lead to.
admin.site.site_url = None
