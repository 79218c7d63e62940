"""``python -m medulla.fabric.gateway``: serves until SIGTERM or SIGINT."""

from __future__ import annotations

import sys

from medulla.fabric.gateway.program import main

if __name__ == "__main__":
    sys.exit(main())
