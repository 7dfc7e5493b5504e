"""Fills the database of DATABASE_URL: `python -m screenshots.content MODEL_URL` prints the ids and a login as JSON."""

import json
import os
import sys
from dataclasses import asdict

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
django.setup()

from screenshots.content.filling import fill, log_in  # noqa: E402

sys.stdout.write(json.dumps({"content": asdict(fill(sys.argv[1])), "login": log_in()}))
