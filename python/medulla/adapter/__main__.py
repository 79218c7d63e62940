"""``python -m medulla.adapter module:Class``."""

import sys

from medulla.adapter.runner import main

sys.exit(main())
