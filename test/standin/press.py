#!/usr/bin/env python3
"""A stand-in for Frappe Cloud's public API, for tests: see README.md beside this file."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from common import program                          # noqa: E402  (needs the path above)
from frappe_press.gateway import PressGateway       # noqa: E402

LISTS = {"team": ["team-one"], "group": ["bench-0001"], "plan": ["USD 10"], "app": ["frappe", "erpnext"]}


def parse_arguments(arguments):
    parser = program.make_parser(__doc__)
    parser.add_argument("--key", default="test-key")
    parser.add_argument("--secret", default="test-secret")
    parser.add_argument("--domain", default="frappe.cloud")
    parser.add_argument("--private-plan", default="USD 25 - Private Bench", help="makes a bench first")
    parser.add_argument("--step-ms", type=float, default=20, help="time between two ticks of a job")
    parser.add_argument("--manual", action="store_true", help="jobs go on by POST /_standin/tick only")
    for name in LISTS:
        parser.add_argument("--" + name, action="append", default=[], help="repeatable")
    options = parser.parse_args(arguments)
    for name, default in LISTS.items():
        setattr(options, name, getattr(options, name) or default)
    return options


def main():
    program.run(PressGateway, parse_arguments(sys.argv[1:]))


if __name__ == "__main__":
    main()
