#!/usr/bin/env python3
"""A stand-in for one server's Frappe Agent, for tests: see README.md beside this file."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from common import program                          # noqa: E402  (needs the path above)
from frappe_agent.gateway import AgentGateway       # noqa: E402

DEFAULT_BENCH = "bench-0001-000001-f1"


def parse_arguments(arguments):
    parser = program.make_parser(__doc__)
    parser.add_argument("--name", default="f1.local", help="of the server")
    parser.add_argument("--token", default="test-token")
    parser.add_argument("--root-password", default="test-root", help="of the server's MariaDB")
    parser.add_argument("--bench", action="append", default=[])
    parser.add_argument("--step-ms", type=float, default=20, help="time between two ticks of a job")
    parser.add_argument("--manual", action="store_true", help="jobs go on by POST /_standin/tick only")
    parser.add_argument("--workers", type=int, default=2, help="processes on the queues high, default, low")
    parser.add_argument("--backup-workers", type=int, default=1, help="processes on the queue backup before these")
    parser.add_argument("--press-url", help="is told of each job's end")
    parser.add_argument("--read-ms", type=float, default=0, help="time before the answer to a GET")
    parser.add_argument("--submit-ms", type=float, default=0, help="time before the effect and the answer of anything else")
    options = parser.parse_args(arguments)
    options.bench = options.bench or [DEFAULT_BENCH]
    return options


def main():
    program.run(AgentGateway, parse_arguments(sys.argv[1:]))


if __name__ == "__main__":
    main()
