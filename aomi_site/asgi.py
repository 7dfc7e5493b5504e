"""The entry point for ASGI servers: `aomi_site.asgi:application`."""

import importlib
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
django.setup(set_prefix=False)

# The apps can be imported only after Django is set up.
application = importlib.import_module("aomi_site.application").application
