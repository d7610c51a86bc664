#!/usr/bin/env python3
"""An HTTP server that misbehaves as the path of a request asks it to.

It listens on loopback ports of the system's choice, prints one line that
names them, and ends when its standard input is closed.  Every request that
arrived is counted by its path and query, before anything else is done with it:
GET /count?/some/path gives the number back.
"""

import gzip
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings

BEHAVIOURS = {}
UNREAD = set()
ARRIVED = {}
ARRIVED_LOCK = threading.Lock()
OK_BODY = b'{"message":"ok"}'


def behaviour(function):
    """Make a function answer the path of its own name, when the body is read."""
    BEHAVIOURS[function.__name__.replace("_", "-")] = function
    return function


def without_reading(function):
    """The same for one that is called before the body is read.

    To close a connection with unread bytes is a reset, which can overtake what
    was sent before it.
    """
    UNREAD.add(function)
    return behaviour(function)


def count_arrival(target):
    with ARRIVED_LOCK:
        ARRIVED[target] = ARRIVED.get(target, 0) + 1


class Closed(Exception):
    """The connection is to be closed, or has been."""


class Connection:
    """One accepted connection: reads requests, writes whatever is asked."""

    def __init__(self, stream):
        self.stream = stream
        self.buffer = b""
        self.request_number = 0

    def read_until(self, mark):
        while mark not in self.buffer:
            self.fill()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def read_exactly(self, length):
        while len(self.buffer) < length:
            self.fill()
        part, self.buffer = self.buffer[:length], self.buffer[length:]
        return part

    def fill(self):
        more = self.stream.recv(65536)
        if not more:
            raise Closed
        self.buffer += more

    def send(self, data):
        self.stream.sendall(data)

    def answer(self, body=OK_BODY, status=b"200 OK", headers=b""):
        self.send(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
                  % (status, headers, len(body), body))

    def reset(self):
        """Close with a TCP reset instead of an orderly end."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()
        raise Closed


class Request:
    def __init__(self, connection):
        head = connection.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.line = head[0]
        self.method, self.target = head[0].split(" ")[:2]
        self.headers = [line.partition(": ")[::2] for line in head[1:]]
        self.path, _, self.query = self.target.partition("?")
        self.connection = connection
        self.body = b""
        connection.request_number += 1
        count_arrival(self.target)

    def header(self, name):
        for known, value in self.headers:
            if known.lower() == name.lower():
                return value
        return None

    def read_body(self):
        self.body = self.connection.read_exactly(int(self.header("Content-Length") or 0))


# Well-behaved paths ---------------------------------------------------------

@behaviour
def ok(connection, request):
    connection.answer()


@behaviour
def count(connection, request):
    with ARRIVED_LOCK:
        number = ARRIVED.get(request.query, 0)
    connection.answer(b"%d" % number)


@behaviour
def echo(connection, request):
    """What arrived, one line each: the request line, its headers, its body."""
    lines = [request.line] + ["%s: %s" % header for header in request.headers]
    connection.answer("\n".join(lines).encode("latin-1") + b"\n\n" + request.body)


@behaviour
def status(connection, request):
    connection.answer(status=request.query.encode() + b" Whatever")


def missing(connection, request):
    connection.answer(status=b"404 Not Found")


@behaviour
def no_content(connection, request):
    connection.send(b"HTTP/1.1 %s Empty\r\n\r\n" % request.query.encode())


@behaviour
def early_hints(connection, request):
    connection.send(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 77\r\n\r\n"
                    b"HTTP/1.1 102 Processing\r\n\r\n")
    connection.answer()


@behaviour
def redirect(connection, request):
    connection.answer(status=b"302 Found", headers=b"Location: /ok?redirected\r\n")


@behaviour
def retry_after(connection, request):
    """The query is the header's value, with "_" for a blank; "|" parts two."""
    values = request.query.replace("_", " ").split("|")
    lines = "".join("Retry-After: %s\r\n" % value for value in values)
    connection.answer(status=b"429 Too Many Requests",
                      headers=b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" + lines.encode())


@behaviour
def until_close(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe end is the end")
    raise Closed


@behaviour
def chunked(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"5\r\nhello\r\n6\r\n world\r\n0\r\nRetry-After: 5\r\n\r\n")


@behaviour
def compressed(connection, request):
    connection.answer(gzip.compress(b"x" * 10000), headers=b"Content-Encoding: gzip\r\n")


# Connections that end too early -----------------------------------------------

@without_reading
def close_before_reading(connection, request):
    raise Closed


@behaviour
def close_after_reading(connection, request):
    raise Closed


@behaviour
def reset_after_reading(connection, request):
    connection.reset()


@behaviour
def close_if_reused(connection, request):
    """A request that libcurl repeats on a new connection gets a 200."""
    if connection.request_number > 1:
        raise Closed
    connection.answer()


@without_reading
def reset_if_reused(connection, request):
    if connection.request_number > 1:
        connection.reset()
    request.read_body()
    connection.answer()


@behaviour
def reset_in_body(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
    connection.reset()


@behaviour
def close_in_body(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
    raise Closed


@behaviour
def close_in_chunk(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf")
    raise Closed


@behaviour
def close_in_head(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Half")
    raise Closed


@behaviour
def close_after_head_line(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    raise Closed


@behaviour
def continue_and_close(connection, request):
    connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    raise Closed


# Slow and silent --------------------------------------------------------------

@behaviour
def silence(connection, request):
    """Waits until the client gives up."""
    while True:
        connection.fill()


@behaviour
def slow_head(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.send(b"x")
        time.sleep(0.05)


@behaviour
def slow_body(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while True:
        connection.send(b"x")
        time.sleep(0.05)


@without_reading
def never_reads(connection, request):
    """The body, which is large, stays in the client's buffer."""
    while not STOP.wait(0.1):
        pass
    raise Closed


# Too much, and nonsense --------------------------------------------------------

@behaviour
def huge_body(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    while True:
        connection.send(b"x" * 65536)


@behaviour
def endless_chunks(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")


@behaviour
def gzip_bomb(connection, request):
    connection.answer(gzip.compress(bytes(64 * 1024 * 1024)), headers=b"Content-Encoding: gzip\r\n")


@behaviour
def nested_gzip_bomb(connection, request):
    body = gzip.compress(gzip.compress(gzip.compress(bytes(64 * 1024 * 1024))))
    connection.answer(body, headers=b"Content-Encoding: gzip, gzip, gzip\r\n")


@behaviour
def false_gzip(connection, request):
    connection.answer(b"this was never compressed", headers=b"Content-Encoding: gzip\r\n")


@behaviour
def exact_body(connection, request):
    connection.answer(b"x" * int(request.query))


@behaviour
def huge_header(connection, request):
    connection.answer(headers=b"X-Huge: " + b"x" * 1024 * 1024 + b"\r\n")


@behaviour
def many_headers(connection, request):
    connection.answer(headers=b"".join(b"X-Header-%d: x\r\n" % i for i in range(10000)))


@behaviour
def two_lengths(connection, request):
    connection.answer(headers=b"Connection: close\r\nContent-Length: 3\r\n")
    raise Closed


@behaviour
def negative_length(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")
    raise Closed


@behaviour
def length_too_short(connection, request):
    """What follows the body must not become the answer of the next request."""
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 500 Smuggled\r\n\r\n")


@behaviour
def bad_chunk(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")
    raise Closed


@behaviour
def garbage(connection, request):
    connection.send(bytes(range(256)) * 4)
    raise Closed


@behaviour
def http_0_9(connection, request):
    connection.send(b"<html>no status line at all</html>")
    raise Closed


@behaviour
def switching_protocols(connection, request):
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n\0\1\2")
    raise Closed


@behaviour
def odd_content_type(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/\x01\xff; charset=\xe9\r\nContent-Length: 2\r\n\r\n{}")


# The server ---------------------------------------------------------------------

STOP = threading.Event()


def serve_http(stream):
    connection = Connection(stream)
    while True:
        request = Request(connection)
        function = BEHAVIOURS.get(request.path.strip("/"), missing)
        if function not in UNREAD:
            request.read_body()
        function(connection, request)


def read_frame(connection):
    head = connection.read_exactly(9)
    length = int.from_bytes(head[:3], "big")
    kind, flags, stream_number = head[3], head[4], int.from_bytes(head[5:], "big")
    return kind, flags, stream_number, connection.read_exactly(length)


def send_frame(connection, kind, flags, stream_number, payload=b""):
    connection.send(len(payload).to_bytes(3, "big") + bytes([kind, flags])
                    + stream_number.to_bytes(4, "big") + payload)


def serve_http2_refusing(stream, state={"arrived": 0}):
    """Refuses every first stream, and answers every second when it is whole.

    A client that repeats a refused request gets its 200; the count is kept
    under the path /h2.
    """
    connection = Connection(stream)
    connection.read_exactly(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    send_frame(connection, 4, 0, 0)
    while True:
        kind, flags, stream_number, _ = read_frame(connection)
        if kind == 4 and not flags & 1:
            send_frame(connection, 4, 1, 0)
        if kind == 1:
            count_arrival("/h2")
            state["arrived"] += 1
            if state["arrived"] % 2 == 1:
                send_frame(connection, 3, 0, stream_number, (7).to_bytes(4, "big"))
        if kind in (0, 1) and flags & 1 and state["arrived"] % 2 == 0:
            send_frame(connection, 1, 5, stream_number, b"\x88")


def serve_nothing(stream):
    """Reads the beginning of a TLS handshake and goes away."""
    stream.recv(100)


def serve_silence(stream):
    """Takes the connection, and never answers the TLS handshake."""
    while stream.recv(65536):
        pass


def run_connection(stream, serve, context):
    try:
        stream.settimeout(60)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            stream = context.wrap_socket(stream, server_side=True)
        serve(stream)
    except (Closed, OSError, ValueError):
        pass
    finally:
        stream.close()


def accept_connections(listener, serve, context):
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=run_connection, args=(stream, serve, context), daemon=True).start()


def listen(serve, context=None):
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    threading.Thread(target=accept_connections, args=(listener, serve, context), daemon=True).start()
    return listener.getsockname()[1]


def make_certificate(folder, name, subject):
    """A self-signed one; its files are <name>.pem and <name>.key."""
    path = os.path.join(folder, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", path + ".key", "-out", path + ".pem", "-days", "2",
                    "-subj", "/CN=test", "-addext", "subjectAltName=" + subject],
                   check=True, stderr=subprocess.DEVNULL)
    return path


def make_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate + ".pem", certificate + ".key")
    return context


def make_old_context(certificate):
    warnings.simplefilter("ignore", DeprecationWarning)
    context = make_context(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def make_demanding_context(certificate):
    """Wants a certificate of the client too, already in the handshake."""
    context = make_context(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def start(folder):
    right = make_certificate(folder, "right", "IP:127.0.0.1,DNS:localhost")
    wrong = make_certificate(folder, "wrong", "DNS:elsewhere.example")
    http2 = make_context(right)
    http2.set_alpn_protocols(["h2"])
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    ports = {
        "plain": listen(serve_http),
        "tls": listen(serve_http, make_context(right)),
        "wrong_host": listen(serve_http, make_context(wrong)),
        "old_tls": listen(serve_http, make_old_context(right)),
        "client_certificate": listen(serve_http, make_demanding_context(right)),
        "broken_tls": listen(serve_nothing),
        "silent_tls": listen(serve_silence),
        "http2": listen(serve_http2_refusing, http2),
        "full": full.getsockname()[1],
    }
    # Three that nobody accepts fill the queue, so that a fourth hangs in connect.
    waiting = []
    for _ in range(3):
        stream = socket.socket()
        stream.setblocking(False)
        stream.connect_ex(("127.0.0.1", ports["full"]))
        waiting.append(stream)
    return ports, right + ".pem", wrong + ".pem", (full, waiting)


def main():
    folder = tempfile.mkdtemp(prefix="hostile-")
    try:
        ports, right, wrong, kept = start(folder)
        print(*ports.values(), right, wrong, flush=True)
        sys.stdin.read()
        STOP.set()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
