"""The settings for tools that read the code and run none of it: they reach no database and leave no file."""

import base64
import os
import secrets

# Whatever the shell says: a tool must not read production's secrets, nor make local ones in the data folder.
os.environ.update(
    AOMI_ENV="local",
    DATABASE_URL="",
    SECRET_KEY=secrets.token_urlsafe(50),
    SECRETS_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
)

from aomi_site.settings import *  # noqa: F403

DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}
