"""`python -m screenshots`: takes the pictures of the console."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from screenshots.camera import PageError, camera
from screenshots.pages import PAGES
from screenshots.serving import serving

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"


def main() -> None:
    """Fill a temporary database, serve it, and store a picture of each page."""
    options = _options()
    chosen = [page for page in PAGES if not options.only or page.name in options.only]
    options.to.mkdir(parents=True, exist_ok=True)
    try:
        with serving() as running, camera(running, options.width, "dark" if options.dark else "light") as shooting:
            for page in chosen:
                size = shooting.take(page, options.to / f"{page.name}.png")
                sys.stdout.write(f"{page.name}.png  {size / 1000:.0f} kB\n")
    except PageError as error:
        sys.exit(str(error))


def _options() -> Namespace:
    parser = ArgumentParser("python -m screenshots", description=main.__doc__)
    names = [page.name for page in PAGES]
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"these pictures only, of {', '.join(names)}")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder for the pictures (default: %(default)s)")
    parser.add_argument("--width", type=int, default=1440, help="of the window, in pixels (default: %(default)s)")
    parser.add_argument("--dark", action="store_true", help="with dark colours")
    options = parser.parse_args()
    if unknown := set(options.only) - set(names):
        parser.error(f"there is no page {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return options


if __name__ == "__main__":
    main()
