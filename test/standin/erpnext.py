#!/usr/bin/env python3
"""A stand-in for one ERPNext v15 bench, for tests: see README.md beside this file."""

import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from common import program              # noqa: E402  (needs the path above)
from gateway import ErpnextGateway      # noqa: E402

DEFAULT_SITE = "erp.localhost"
STATES = ("wizard", "bare")


def parse_arguments(arguments):
    parser = program.make_parser(__doc__)
    parser.add_argument("--site", action="append", default=[], metavar="NAME[:bare|:wizard]")
    parser.add_argument("--key", default="test-key")
    parser.add_argument("--secret", default="test-secret")
    parser.add_argument("--today", type=datetime.date.fromisoformat, help="the server's date, if not today's")
    parser.add_argument("--races", action="store_true", help="requests at the same moment fail as on the real server")
    parser.add_argument("--strict-host", action="store_true", help="127.0.0.1 and localhost are no names of a site")
    parser.add_argument("--job-ms", type=float, default=50, help="how long a background job takes")
    for kind in ("read", "write", "company", "settings", "delete", "wizard"):
        parser.add_argument("--%s-ms" % kind, type=float, default=0, help="time before the effect and the answer")
    options = parser.parse_args(arguments)
    options.sites = dict(parse_site(text) for text in options.site or [DEFAULT_SITE])
    if options.races and not options.company_ms:
        options.company_ms = 50         # without a duration nothing can overlap
    return options


def parse_site(text):
    name, _, state = text.partition(":")
    if state not in ("",) + STATES:
        raise SystemExit("state of site %s must be one of %s" % (name, ", ".join(STATES)))
    return name, state or "wizard"


def main():
    program.run(ErpnextGateway, parse_arguments(sys.argv[1:]))


if __name__ == "__main__":
    main()
