"""Fails unless the runs' stats name the same losses and the same final state."""

import json
import sys

runs = [json.load(open(path)) for path in sys.argv[1:]]
for key in ("losses", "state_sha256"):
    values = {json.dumps(run[key]) for run in runs}
    assert len(values) == 1, f"{key} differ: {values}"
