"""That a fabric's answers are those of `run-model`: same_outputs.py FABRIC.json HERE.json."""

import json
import sys

fabric, here = (json.load(open(path)) for path in sys.argv[1:])
found = [result["outputs"] for result in fabric["results"]]
wanted = here["outputs"]
if len(wanted) == 0 or found != wanted:
    wrong = [number for number, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]]
    sys.exit(f"{len(found)} answers of {len(wanted)}, other ones at {wrong[:8]}")
