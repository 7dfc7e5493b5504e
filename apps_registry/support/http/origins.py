"""Origins of URLs in a canonical form, so that two of them can be compared."""

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """Return scheme, host and port of an http address, such as `https://api.openai.com:443`.

    Args:
        address: an absolute URL; the part after the port is ignored.

    Raises:
        ValueError: it has no origin that can be compared, or contains a user name.
    """
    parts = urlsplit(address)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or "\\" in address:
        raise ValueError("this is not an http or https address")
    return f"{parts.scheme}://{host_and_port(parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])}"


def host_of(address: str) -> str:
    """Return host and port of an http address, such as `api.example.com:443`.

    Raises:
        ValueError: as `origin_of`.
    """
    return origin_of(address).partition("://")[2]


def host_and_port(host: str, port: int) -> str:
    """Return `host:port` in lower case, with an IPv6 address in brackets."""
    name = host.lower().strip("[]")
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
