"""Runs the clients against the simulator and compares what comes back, field by field, with what was sent.

    run.py [CLIENT...]        all of them without arguments: insync, async, official
"""

import logging
import sys
import traceback

import insync
import official

# Every step of the mixture between text and protobuf, and the versions of the other clients.
VERSIONS = [157, 163, 176, 178, 187, 192, 200, 201, 203, 205, 208, 211, 212, 213, 225]


def attempts(names):
    for name, library in {"insync": "ib_insync", "async": "ib_async"}.items():
        if name in names:
            yield library, lambda library=library: insync.run(library)
    if "official" in names:
        yield from ((f"nautilus-ibapi at {version}", lambda version=version: official.run(version)) for version in VERSIONS)


def main(names):
    logging.disable(logging.CRITICAL)
    good = True
    for name, run in attempts(names or ["insync", "async", "official"]):
        try:
            good &= run().show()
        except Exception:
            good = False
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
