"""Measures document search on a PostgreSQL of its own: `python -m bench.search TEXT`.

It prints as JSON how well search finds (`bench.search.recall --help` says which TEXT this needs), and among many chunks
the times of searches by words (questions, rare tokens, typing errors, Chinese) and by words and meaning: for `all` of
them, for the `quickest` of several of each query, and the processor time. The first two hold on an idle machine only.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench import postgres

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "search"


def main() -> None:
    """Start PostgreSQL, create the tables, and measure; exits with the code of the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="the Jargon File as one text file")
    parser.add_argument("--chunks", type=int, default=100_000, help="the number of chunks; default: 100000")
    options = parser.parse_args()
    with postgres.running() as server:
        server.run("postgres", f"CREATE DATABASE {DATABASE}")
        server_settings = {"DATABASE_URL": server.url(DATABASE), "AOMI_DATA_DIR": str(server.data_dir)}
        environment = {**os.environ, "AOMI_ENV": "local", **server_settings}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        arguments = [str(options.text.resolve()), "--hybrid", "--chunks", str(options.chunks)]
        command = [sys.executable, "-m", "bench.search.recall", *arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
