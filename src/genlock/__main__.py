"""``python -m genlock`` is ``genlock``."""

import sys

from genlock.cli import main

if __name__ == "__main__":
    sys.exit(main())
