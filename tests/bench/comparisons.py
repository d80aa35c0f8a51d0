"""How fast two JSON documents are compared, beside jsondiffpatch and deepdiff, from their bytes on."""

import json

import documents
from servers import HERE, TARGET, TOOLS, WORK, Failed, run

NAME = "comparisons"
SLOWEST = 600  # seconds for one run of the slowest

PEERS = {
    "banyan": [TARGET / "release/comparing"],
    "jsondiffpatch": ["node", TOOLS / "jsondiffpatch/compare.mjs"],
    "deepdiff": [TOOLS / "deepdiff/bin/python", HERE / "deepdiff_peer.py"],
}


def pairs(full):
    """Both documents' paths, by the pair's name."""
    sizes = [1, 5] if full else [1]
    return {name: paths for size in sizes for name, paths in documents.write(
        WORK / f"documents/{size}", size * documents.MIB).items()}


def takes_part(peer, pair):
    """A peer that could not be had does not; deepdiff would take minutes for more than 1 MiB."""
    return PEERS[peer][-1].exists() and (peer != "deepdiff" or pair.startswith("1 MiB"))


def speed(peer, pair, paths, seconds):
    """MB of both documents for each second of CPU time, of each comparison."""
    found = json.loads(run([*PEERS[peer], *paths, seconds], timeout=SLOWEST))
    same = pair.endswith(documents.PAIRS[0])
    if bool(found["found"]) == same:
        raise Failed(f"{peer} says that two documents are {'not ' if same else ''}equal")
    size = sum(it.stat().st_size for it in paths)
    # Node's clock of CPU time goes in steps, and a short round may be within one.
    return [size / 1e6 / it for it in found["seconds"] if it]
