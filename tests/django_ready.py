"""Sets Django up: packages of tests that use models import this before any other module."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "aomi_site.settings"
django.setup()
