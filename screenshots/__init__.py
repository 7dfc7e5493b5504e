"""Takes the pictures of the console in docs/screenshots/: `python -m screenshots --help`."""
