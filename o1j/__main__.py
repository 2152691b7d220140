"""`o1j` and `python -m o1j`: ready for Ctrl-C before anything that takes time is loaded."""

import os
import sys


def main() -> None:
    """Run the command line; see `o1j.cli`."""
    try:
        from o1j.cli import main as run
    except KeyboardInterrupt:
        print("o1j: interrupted", file=sys.stderr)
        os._exit(130)  # with no thread or file yet to care for
    run()


if __name__ == "__main__":
    main()
