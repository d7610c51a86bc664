#!/usr/bin/env python3
"""An HTTP server that misbehaves as the path of a request asks it to.

It listens on loopback ports of the system's choice, prints their names and
numbers, one in a line, then the files of its certificates and a line "ready",
and ends when its standard input is closed.  Every request that arrived is
counted by its path and query, before anything else is done with it: GET
/count?/some/path gives the number back.
"""

import shutil
import socket
import ssl
import sys
import tempfile
import threading

import hostile_tls as tls
from hostile_http import Closed, Connection, Request
from hostile_http2 import serve_http2_refusing
from hostile_paths import BEHAVIOURS, STOP, UNREAD, missing


def serve_http(stream):
    connection = Connection(stream)
    while True:
        request = Request(connection)
        function = BEHAVIOURS.get(request.path.strip("/"), missing)
        if function not in UNREAD:
            request.read_body()
        function(connection, request)


def shake_hands(stream, context):
    """After a refusal it reads on: to close with unread bytes is a reset, which can overtake the alert that says why."""
    raw = stream.dup()
    try:
        return context.wrap_socket(stream, server_side=True)
    except OSError:
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(65536):
            pass
        raise
    finally:
        raw.close()


def run_connection(stream, serve, context):
    try:
        stream.settimeout(60)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            stream = shake_hands(stream, context)
        serve(stream)
    except (Closed, OSError, ValueError):
        pass
    finally:
        stream.close()


def accept_connections(listener, serve, context):
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=run_connection, args=(stream, serve, context), daemon=True).start()


def serve_port(listener, serve, context):
    threading.Thread(target=accept_connections, args=(listener, serve, context), daemon=True).start()
    return listener.getsockname()[1]


def listen(serve, context=None):
    return serve_port(socket.create_server(("127.0.0.1", 0), backlog=256), serve, context)


def listen_v6():
    """On a port of ::1 that nobody has on 127.0.0.1; 0 where there is no IPv6."""
    try:
        return serve_port(socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=256), serve_http, None)
    except OSError:
        return 0


def fill_queue():
    """A port that nobody accepts from: three that wait fill its queue, so that a fourth hangs in connect."""
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(3):
        stream = socket.socket()
        stream.setblocking(False)
        stream.connect_ex(full.getsockname())
        waiting.append(stream)
    return full, waiting


def listen_tls(folder):
    """The ports that speak TLS, and the certificates to trust."""
    right = tls.make_certificate(folder, "right", tls.RIGHT_NAMES)
    wrong = tls.make_certificate(folder, "wrong", "DNS:elsewhere.example")
    authority = tls.make_authority(folder)
    signed = tls.sign_certificate(authority, "signed", tls.RIGHT_NAMES, "20200101000000Z", "20991231235959Z")
    expired = tls.sign_certificate(authority, "expired", tls.RIGHT_NAMES, "20200101000000Z", "20200201000000Z")
    tls.seal_key(tls.sign_certificate(authority, "client", "DNS:client.example", "20200101000000Z", "20991231235959Z"))
    http2 = tls.make_context(right)
    http2.set_alpn_protocols(["h2"])
    return {
        "tls": listen(serve_http, tls.make_context(right)),
        "signed": listen(serve_http, tls.make_context(signed)),
        "expired": listen(serve_http, tls.make_context(expired)),
        "wrong_host": listen(serve_http, tls.make_context(wrong)),
        "old_tls": listen(serve_http, tls.make_old_context(right)),
        "client_certificate": listen(serve_http, tls.make_demanding_context(right, authority, ssl.TLSVersion.TLSv1_2)),
        "client_certificate_later": listen(serve_http, tls.make_demanding_context(right, authority, ssl.TLSVersion.TLSv1_3)),
        "broken_tls": listen(tls.serve_nothing),
        "silent_tls": listen(tls.serve_silence),
        "http2": listen(serve_http2_refusing, http2),
        "ca_file": right + ".pem",
        "wrong_ca_file": wrong + ".pem",
        "authority_file": authority + ".pem",
        "folder": folder,
    }


def main():
    folder = tempfile.mkdtemp(prefix="hostile-")
    try:
        full, waiting = fill_queue()
        places = {"plain": listen(serve_http), "plain_v6": listen_v6(), "full": full.getsockname()[1]}
        places.update(listen_tls(folder))
        for place in places.items():
            print(*place)
        print("ready", flush=True)
        sys.stdin.read()
        STOP.set()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
