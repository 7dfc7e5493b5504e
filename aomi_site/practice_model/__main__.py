"""The practice model's process: `python -m aomi_site.practice_model PORT PARENT_PID`.

It serves the OpenAI chat completions protocol on loopback, and ends with its parent process.
"""

import asyncio
import os
import sys
import time

from aiohttp import web

from aomi_site.practice_model.application import make_application
from aomi_site.processes.child import end_with_parent, is_orphan


def main() -> None:
    """Serve until the parent process ends."""
    if os.environ.get("AOMI_ENV") == "production":
        sys.exit("The practice model does not run with AOMI_ENV=production: it is no language model. Use a provider's.")
    port, parent = int(sys.argv[1]), int(sys.argv[2])
    end_with_parent(parent)
    asyncio.run(_serve(port, parent))


async def _serve(port: int, parent: int) -> None:
    runner = web.AppRunner(make_application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.to_thread(_wait_for_the_end_of, parent)
    await runner.cleanup()


def _wait_for_the_end_of(parent: int) -> None:
    while not is_orphan(parent):
        time.sleep(1)


if __name__ == "__main__":
    main()
