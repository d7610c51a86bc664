"""Prints "passed failed" of a log of Python's unittest; a log without a summary is one failure."""

import re
import sys

with open(sys.argv[1], encoding="utf-8") as log:
    text = log.read()
run = re.search(r"^Ran (\d+) tests?", text, re.MULTILINE)
end = re.search(r"^(OK|FAILED)(?: \((.*)\))?$", text, re.MULTILINE)
if not run or not end:
    print(0, 1)
    sys.exit()
parts = dict(part.split("=") for part in (end[2] or "").split(", ") if part)
failed = sum(int(parts.get(key, 0)) for key in ("failures", "errors", "unexpected successes"))
if end[1] == "FAILED" and failed == 0:
    failed = 1
print(int(run[1]) - failed - int(parts.get("skipped", 0)), failed)
