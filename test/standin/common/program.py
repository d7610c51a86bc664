"""A stand-in as a process: its options, its ready file, its end."""

import argparse
import asyncio
import gc
import os
import signal

from common.http_server import HttpServer


def make_parser(description):
    """With the options that every stand-in has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", help="gets one line, the port, when the server listens")
    parser.add_argument("--log", help="file that gets one line of JSON per answered request")
    parser.add_argument("--log-limit", type=int, default=100_000, help="newest requests kept in memory")
    parser.add_argument("--idle-ms", type=int, default=2000, help="idle connections are closed after this time")
    parser.add_argument("--seed", type=int, default=1, help="of random names, probabilities and races")
    parser.add_argument("--max-seconds", type=int, default=3600)
    return parser


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


async def serve(gateway, options):
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway.server = HttpServer(gateway.receive, options.idle_ms / 1000)
    port = await gateway.server.start(options.port)
    if options.ready_file:
        write_ready_file(options.ready_file, port)
    else:
        print(port, flush=True)
    watcher = asyncio.create_task(watch_parent(stop, os.getppid(), options.max_seconds))
    await stop.wait()
    watcher.cancel()


def run(make_gateway, options):
    gc.set_threshold(50_000, 50, 50)        # the store only grows: collecting often would slow it down for nothing
    asyncio.run(serve(make_gateway(options), options))
