"""manage.py ends quietly when nobody reads its output any more, as before `| head`."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from apps_registry.models import App
from tests import factories
from tests.patience import scaled
from tests.root import ROOT


@pytest.mark.parametrize(
    "command", [["list_keys"], ["list_keys", "--json"], ["usage", "--help"], ["diffsettings"]], ids=" ".join
)
def test_a_command_without_a_reader_ends_without_a_traceback(
    app: App, environment: Mapping[str, str], command: list[str]
) -> None:
    factories.make_key(app)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=scaled(60),
            check=False,
        )
    finally:
        os.close(writer)
    assert ended.stderr == ""
    assert ended.returncode == 141 or "--help" in command  # argparse itself ignores a closed output
