"""OpenAI's client as its users create it, but without the machine's certificates: loading them takes 30 ms of CPU."""

import openai

from tests.patience import scaled
from tests.product import NO_TLS


def openai_client(url: str, key: str) -> openai.OpenAI:
    """Return a client of the server at this URL; close it after use."""
    http = openai.DefaultHttpxClient(verify=NO_TLS)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=scaled(30), http_client=http)
