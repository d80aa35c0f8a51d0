"""Compares two JSON documents again and again, and prints what one comparison takes:
{"found": WHETHER THEY DIFFER, "seconds": [CPU TIME OF EACH ROUND]}.

usage: deepdiff_peer.py CONTROL CANDIDATE SECONDS
"""

import json
import sys
import time
from pathlib import Path

from deepdiff import DeepDiff

control, candidate = (Path(it).read_bytes() for it in sys.argv[1:3])
limit = float(sys.argv[3])
begin = time.process_time()
rounds = []
while not rounds or time.process_time() - begin < limit:
    before = time.process_time()
    found = bool(DeepDiff(json.loads(control), json.loads(candidate)))
    rounds.append(time.process_time() - before)
print(json.dumps({"found": found, "seconds": rounds}))
