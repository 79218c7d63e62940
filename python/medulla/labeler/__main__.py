"""``python -m medulla.labeler module:Class``."""

import sys

from medulla.labeler.runner import main

sys.exit(main())
