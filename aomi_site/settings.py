"""All settings, read from the environment; docs/configuration.md documents each one."""

from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from aomi_site.environment import (
    Environment,
    check_secrets_keys,
    local_secret_key,
    local_secrets_key,
    postgres_address,
    refuse_retired_variables,
)
from aomi_site.logging_config import logging_config
from aomi_site.serving.cors_headers import ALLOWED, EXPOSED

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- Where we run -----------------------------------------------------------------------------------
# "production" requires explicit secrets; "local" is manage.py's default on a developer's machine.
AOMI_ENV = env.str("AOMI_ENV", default="production")
if AOMI_ENV not in {"local", "production"}:
    raise ImproperlyConfigured(f"AOMI_ENV is {AOMI_ENV!r}; it must be 'local' or 'production'.")
IS_LOCAL = AOMI_ENV == "local"

DATA_DIR = Path(env.str("AOMI_DATA_DIR", default=str(BASE_DIR / "data")))
DEBUG = env.switch("DEBUG")
if DEBUG and not IS_LOCAL:
    raise ImproperlyConfigured("DEBUG is on in production: error pages would show secrets. Unset DEBUG.")

SECRET_KEY = env.str("SECRET_KEY", default="") or (local_secret_key(DATA_DIR) if IS_LOCAL else "")
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5 or SECRET_KEY.startswith("django-insecure-"):
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or too weak: production needs at least 50 random characters. Generate one with: "
        "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )

# These keys encrypt stored secrets, such as those of tools: the first key encrypts, every key decrypts.
SECRETS_KEYS = env.list("SECRETS_KEYS", default=[]) or ([local_secrets_key(DATA_DIR)] if IS_LOCAL else [])
check_secrets_keys(SECRETS_KEYS)
# Which environment variables may be sent as provider keys, and to which origins: in the admin, operators can enter any.
PROVIDER_KEY_VARIABLES = env.key_variables("PROVIDER_KEY_VARIABLES")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if IS_LOCAL else [])
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set: name the hosts that clients use, comma-separated.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted: see aomi_site/serving/proxies.py.
refuse_retired_variables()
TRUSTED_PROXIES = env.proxies("TRUSTED_PROXIES")

# --- Apps and middleware ----------------------------------------------------------------------------
INSTALLED_APPS = [
    "aomi_site",
    "apps_registry",
    "keys",
    "sessions_app",
    "chat",
    "aomi_site.console.console_config.ConsoleConfig",
    "aomi_site.console.console_config.LoginsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
# The admin's chain. Calls under /api/ and static files bypass it: aomi_site/application.py routes them to their own
# handlers.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "aomi_site.serving.bad_input.BadInputMiddleware",
    "aomi_site.logins.attempts.LoginQueueMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "aomi_site.urls"
ASGI_APPLICATION = "aomi_site.asgi.application"
# A redirected POST becomes a GET, and no URL under /api/ ends in a slash.
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Postgres ---------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="")
if DATABASE_URL:
    DATABASES = {"default": postgres_address(env)}
elif IS_LOCAL:
    DATABASES = {"default": {"ENGINE": "aomi_site.embedded_postgres", "NAME": "postgres", "USER": "postgres"}}
else:
    raise ImproperlyConfigured("DATABASE_URL is not set: production needs its own PostgreSQL.")
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASE_CONNECT_SECONDS = 5
DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = DATABASE_CONNECT_SECONDS
# Outside a transaction they outlive it, and behind a pooler the next one may run on another connection.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
# PostgreSQL's own address if DATABASE_URL names a pooler: LISTEN needs a stable connection.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="")
if DATABASE_DIRECT_URL:
    postgres_address(env, "DATABASE_DIRECT_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The connections of one worker's async pool (the hot path); the admin has its own.
DATABASE_POOL_SIZE = env.whole_number("DATABASE_POOL_SIZE", 10)
# How many admin requests one worker runs at a time, each in a thread with at most one connection.
ADMIN_THREADS = env.whole_number("ADMIN_THREADS", 8, minimum=2)

# --- Operators and the admin ------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
PASSWORD_HASHERS = [
    "aomi_site.logins.passwords.QueuedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# The first one refuses locked logins; see aomi_site/logins/attempts.py.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "aomi_site.logins.attempts.LoginAttempts"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
# Otherwise an attacker who keeps guessing would extend the lock indefinitely.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "aomi_site.logins.attempts.client_address"
AXES_LOCKOUT_CALLABLE = "aomi_site.logins.attempts.locked_out"
# Only the counts are stored, and the console has its own page for them.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_LOCAL
SECURE_SSL_REDIRECT = not IS_LOCAL
SECURE_HSTS_SECONDS = env.whole_number("HSTS_SECONDS", 0 if IS_LOCAL else 365 * 24 * 60 * 60, minimum=0)
# Other hosts under the same domain are not ours, so https is not enforced for them.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
# The page after a login without a `next`; Django's default page does not exist here.
LOGIN_REDIRECT_URL = "admin:index"
STATIC_URL = "static/"
# The apps' own static folders are served directly: no collectstatic step, no generated files.
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False
# "Select all" in a list of the admin posts one field per row.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
TIME_ZONE = "UTC"
USE_TZ = True

# --- The API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["keys.http.authentication.AppKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["keys.http.permissions.AppPermission"],
    "DEFAULT_PARSER_CLASSES": ["chat.api.parsers.JSONParser", "chat.api.parsers.FormParser"],
    "DEFAULT_RENDERER_CLASSES": ["chat.api.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "chat.api.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "chat.schema.contract.ContractSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Aomi Apps",
    "DESCRIPTION": "Chat with AI assistants (Apps). Every error is `application/problem+json` with a stable `code`.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/", "description": "The server that this document comes from."}],
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": ["chat.schema.contract.add_components"],
}
# Headers that may carry the App key, next to `Authorization: Bearer`; if several are sent, they must have the same key.
# Older clients use X-API-Key.
APP_KEY_HEADERS = env.list("APP_KEY_HEADERS", default=["AOMI-APP-KEY"])
# How long new keys live unless their issuer chooses otherwise; 0: they do not expire.
KEY_LIFETIME_DAYS = env.whole_number("KEY_LIFETIME_DAYS", 365, minimum=0, maximum=36_500)
# How many days before a key expires the log announces it. A second announcement follows a day before.
KEY_EXPIRY_NOTICE_DAYS = env.whole_number("KEY_EXPIRY_NOTICE_DAYS", 14, maximum=3_650)
# Websites whose scripts may call the API, in addition to those of Apps; "*" for all.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_ALL_ORIGINS = CORS_ALLOWED_ORIGINS == ["*"]
if CORS_ALLOW_ALL_ORIGINS:
    CORS_ALLOWED_ORIGINS = []
CORS_ALLOW_METHODS = ["GET", "POST", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = [*ALLOWED, *(name for name in APP_KEY_HEADERS if name.upper() != "AOMI-APP-KEY")]
CORS_EXPOSE_HEADERS = [*EXPOSED]
CORS_PREFLIGHT_MAX_AGE = 86_400
# A message longer than this many characters is refused with 413.
MESSAGE_MAX_CHARS = env.whole_number("MESSAGE_MAX_CHARS", 32_000)
# A request body larger than this many bytes is refused with 413 before it is read completely.
API_BODY_MAX_BYTES = env.whole_number("API_BODY_MAX_BYTES", 1_048_576)
# What one worker accepts from one caller: calls per second (in a burst, ten times as many) and open event streams.
# Calls without a key or with a browser token count by address, other calls by key. 0: no separate limit.
CALLS_PER_SECOND_PER_ADDRESS = env.whole_number("CALLS_PER_SECOND_PER_ADDRESS", 100, minimum=0)
CALLS_PER_SECOND_PER_KEY = env.whole_number("CALLS_PER_SECOND_PER_KEY", 500, minimum=0)
STREAMS_PER_ADDRESS = env.whole_number("STREAMS_PER_ADDRESS", 200, minimum=0)
STREAMS_PER_KEY = env.whole_number("STREAMS_PER_KEY", 2000, minimum=0)
# What callers without a key may store from one network address per day (UTC): new sessions, and bytes of notices to
# /api/system. 0: no limit.
KEYLESS_SESSIONS_PER_DAY = env.whole_number("KEYLESS_SESSIONS_PER_DAY", 2000, minimum=0)
KEYLESS_STORED_BYTES_PER_DAY = env.whole_number("KEYLESS_STORED_BYTES_PER_DAY", 10_000_000, minimum=0)
# How long the records of refused calls are kept; they contain the callers' network addresses.
REFUSALS_KEPT_DAYS = env.whole_number("REFUSALS_KEPT_DAYS", 14)

# Callers without a key. For each network address: calls that start a turn or create a session, how many of them at
# once, and turns at the same time. For all of them together (the fuse): tokens per day (UTC). 0: no limit.
KEYLESS_REQUESTS_PER_MINUTE = env.whole_number("KEYLESS_REQUESTS_PER_MINUTE", 60, minimum=0)
KEYLESS_BURST = env.whole_number("KEYLESS_BURST", 30, minimum=0)
KEYLESS_CONCURRENT_TURNS = env.whole_number("KEYLESS_CONCURRENT_TURNS", 10, minimum=0)
KEYLESS_TOKENS_PER_DAY = env.whole_number("KEYLESS_TOKENS_PER_DAY", 10_000_000, minimum=0)

# --- Sessions and turns -----------------------------------------------------------------------------
# The memory tier of one worker: all sessions together, and the largest single session that it keeps.
SESSION_CACHE_TOTAL_BYTES = env.whole_number("SESSION_CACHE_TOTAL_BYTES", 256 * 1024 * 1024, minimum=0)
SESSION_CACHE_ENTRY_BYTES = env.whole_number("SESSION_CACHE_ENTRY_BYTES", 8 * 1024 * 1024, minimum=0)
# Days until sessions of clients that send the whole conversation with each call are deleted. An App's own retention
# takes precedence.
STATELESS_RETENTION_DAYS = env.whole_number("STATELESS_RETENTION_DAYS", 30)
# A worker renews the leases of its turns three times within this many seconds; when a worker dies, its turns
# count as interrupted after their leases expire.
TURN_LEASE_SECONDS = env.seconds("TURN_LEASE_SECONDS", 10.0)
# Limits for a whole turn, for the time to the model's first token, and for the time between two tokens.
TURN_TIMEOUT_SECONDS = env.seconds("TURN_TIMEOUT_SECONDS", 120.0)
MODEL_FIRST_TOKEN_TIMEOUT_SECONDS = env.seconds("MODEL_FIRST_TOKEN_TIMEOUT_SECONDS", 20.0)
# A local model may have to be loaded first; meanwhile its server sends comments, or nothing.
MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS = env.seconds("MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS", 90.0)
MODEL_GAP_TIMEOUT_SECONDS = env.seconds("MODEL_GAP_TIMEOUT_SECONDS", 30.0)
# How long a turn waits for its user to confirm a tool call.
CONFIRMATION_SECONDS = env.seconds("CONFIRMATION_SECONDS", 600.0)
# What carries events between workers: "postgres", "redis" (if REDIS_URL is set), or "memory" for a single worker.
REDIS_URL = env.str("REDIS_URL", default="")
BUS = env.str("BUS", default="redis" if REDIS_URL else "postgres")
if BUS not in {"postgres", "redis", "memory"} or (BUS == "redis" and not REDIS_URL):
    raise ImproperlyConfigured(f"BUS is {BUS!r}; it must be 'postgres', 'memory', or 'redis' with a REDIS_URL.")
# How long a stopping worker waits for its turns before it interrupts them.
SHUTDOWN_GRACE_SECONDS = env.seconds("SHUTDOWN_GRACE_SECONDS", 20.0, minimum=0)
# How long until another worker takes over a document whose ingestion stopped.
INGEST_LEASE_SECONDS = env.seconds("INGEST_LEASE_SECONDS", 30.0)
# The maximum total size of an App's document files in megabytes, unless the App's page sets another.
DOCUMENTS_LIMIT_MB = env.whole_number("DOCUMENTS_LIMIT_MB", 2_000)
# With a token, /metrics responds to `Authorization: Bearer <token>`; without one, it does not exist.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Logs -------------------------------------------------------------------------------------------
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# Log lines have paths and ids, never query strings or message texts: see aomi_site/health/logs.py.
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
if LOG_LEVEL not in LOG_LEVELS:
    raise ImproperlyConfigured(f"LOG_LEVEL is {LOG_LEVEL!r}; it must be one of {', '.join(LOG_LEVELS)}.")
LOGGING = logging_config(LOG_LEVEL)
