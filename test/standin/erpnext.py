#!/usr/bin/env python3
"""A stand-in for one ERPNext v15 bench, for tests: see README.md beside this file."""

import argparse
import asyncio
import datetime
import gc
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from gateway import Gateway             # noqa: E402  (needs the path above)
from http_server import HttpServer      # noqa: E402

DEFAULT_SITE = "erp.localhost"
STATES = ("wizard", "bare")


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", help="gets one line, the port, when the server listens")
    parser.add_argument("--log", help="file that gets one line of JSON per answered request")
    parser.add_argument("--site", action="append", default=[], metavar="NAME[:bare|:wizard]")
    parser.add_argument("--key", default="test-key")
    parser.add_argument("--secret", default="test-secret")
    parser.add_argument("--seed", type=int, default=1, help="of hash names, probabilities and races")
    parser.add_argument("--today", type=datetime.date.fromisoformat, help="the server's date, if not today's")
    parser.add_argument("--races", action="store_true", help="requests at the same moment fail as on the real server")
    parser.add_argument("--strict-host", action="store_true", help="127.0.0.1 and localhost are no names of a site")
    parser.add_argument("--idle-ms", type=int, default=2000, help="idle connections are closed after this time")
    parser.add_argument("--max-seconds", type=int, default=3600)
    parser.add_argument("--job-ms", type=float, default=50, help="how long a background job takes")
    parser.add_argument("--log-limit", type=int, default=100_000, help="newest requests kept in memory")
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


def write_ready_file(path, port):
    """Appears complete or not at all."""
    partial = path + ".partial"
    with open(partial, "w", encoding="ascii") as file:
        file.write("%d\n" % port)
    os.replace(partial, path)


async def watch_parent(stop, parent, max_seconds):
    """Ends the server when whoever started it is gone, or after the longest time allowed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + max_seconds
    while os.getppid() == parent and loop.time() < end:
        await asyncio.sleep(1)
    stop.set()


async def serve(options):
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway = Gateway(options)
    server = HttpServer(gateway.receive, options.idle_ms / 1000)
    port = await server.listen(options.port)
    if options.ready_file:
        write_ready_file(options.ready_file, port)
    else:
        print(port, flush=True)
    watcher = asyncio.create_task(watch_parent(stop, os.getppid(), options.max_seconds))
    await stop.wait()
    watcher.cancel()


def main():
    options = parse_arguments(sys.argv[1:])
    gc.set_threshold(50_000, 50, 50)        # the store only grows: collecting often would slow it down for nothing
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
