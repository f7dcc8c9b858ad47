"""A process in which contestants take their turns: JSON lines in ({"spec", "amount"}) and out ({"seconds"}).

With the argument `all` it imports all that any of them needs before it is asked.
"""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks.contestants import Contestant, build, import_all
from benchmarks.spec import Spec


def main() -> None:
    """Answers until its input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if "all" in sys.argv[1:]:
        import_all()
    built: dict[Spec, Contestant] = {}
    for line in sys.stdin:
        request = json.loads(line)
        spec = Spec(**request["spec"])
        if spec not in built:
            built[spec] = build(spec)
            built[spec].turn(min(2, request["amount"]))  # the warm-up
        begun = time.perf_counter()
        built[spec].turn(request["amount"])
        answers.write(json.dumps({"seconds": time.perf_counter() - begun}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
