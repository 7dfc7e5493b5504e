"""The settings for tools that read the code without running it: no database, no files."""

import base64
import os
import secrets

# These override the shell: a tool must not read production's secrets or create local ones in the data folder.
os.environ.update(
    AOMI_ENV="local",
    DATABASE_URL="",
    SECRET_KEY=secrets.token_urlsafe(50),
    SECRETS_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
)

from aomi_site.settings import *  # noqa: F403

DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}
