"""Sets Django up: the packages of tests that use models import this before anything in them is imported."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "aomi_site.settings"
django.setup()
