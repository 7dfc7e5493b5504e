"""The limit's gunicorn worker: the product's worker class without the product's additions."""

from uvicorn_worker import UvicornWorker


class LimitWorker(UvicornWorker):
    """uvloop and httptools, like the product; no access log."""

    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 5,
    }
