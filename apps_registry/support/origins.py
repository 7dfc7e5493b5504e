"""Origins of addresses in one spelling, so that two of them can be compared."""

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """Return scheme, host and port of an http address, such as `https://api.openai.com:443`.

    Args:
        address: an absolute address; what follows the port does not count.

    Raises:
        ValueError: it has no origin that could be compared, or carries a user name.
    """
    parts = urlsplit(address)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or "\\" in address:
        raise ValueError("this is no http or https address")
    return f"{parts.scheme}://{host_and_port(parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])}"


def host_of(address: str) -> str:
    """Return host and port of an http address, such as `api.example.com:443`.

    Raises:
        ValueError: as `origin_of`.
    """
    return origin_of(address).partition("://")[2]


def host_and_port(host: str, port: int) -> str:
    """Return both as one text: lower case, an IPv6 address in brackets."""
    name = host.lower().strip("[]")
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
