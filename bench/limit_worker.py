"""The limit's gunicorn worker: the product's worker class without what the product adds to it."""

from uvicorn_worker import UvicornWorker


class LimitWorker(UvicornWorker):
    """uvloop and httptools, as the product has them; no access lines."""

    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 5,
    }
