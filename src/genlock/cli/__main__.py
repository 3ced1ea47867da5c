"""``python -m genlock.cli``."""

import sys

from genlock.cli import main

sys.exit(main())
