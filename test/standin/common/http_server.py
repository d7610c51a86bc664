"""HTTP/1.1 by hand, for speed: one asyncio.Protocol, bounded as gunicorn and Frappe bound it."""

import asyncio
import json
import socket
import struct
import time
from urllib.parse import unquote_to_bytes

from common import pages

MAX_REQUEST_LINE = 4094
READ_SIZE = 8192            # what gunicorn reads at once, and so the most it knows of a line
MAX_HEADERS = 64 * 1024
MAX_BODY = 25 * 1024 * 1024

REASONS = {100: "Continue", 200: "OK", 202: "ACCEPTED", 400: "Bad Request", 401: "UNAUTHORIZED", 403: "FORBIDDEN",
           404: "NOT FOUND", 405: "METHOD NOT ALLOWED", 409: "CONFLICT", 413: "REQUEST ENTITY TOO LARGE",
           417: "EXPECTATION FAILED", 429: "TOO MANY REQUESTS", 500: "INTERNAL SERVER ERROR", 502: "Bad Gateway",
           301: "MOVED PERMANENTLY", 503: "SERVICE UNAVAILABLE", 504: "Gateway Time-out"}

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Request:
    __slots__ = ("method", "target", "path", "query", "headers", "body", "too_large")

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        raw_path, _, self.query = target.partition("?")
        self.path = decode(raw_path) if "%" in raw_path else raw_path
        self.headers = headers
        self.body = b""
        self.too_large = False


class Response:
    __slots__ = ("status", "body", "content_type", "headers")

    def __init__(self, status, body, content_type="application/json", headers=()):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers

    def to_bytes(self, method, close=False):
        lines = ["HTTP/1.1 %d %s\r\nServer: gunicorn\r\nConnection: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (
            self.status, REASONS.get(self.status, "Status"), "close" if close else "keep-alive",
            self.content_type, len(self.body))]
        for name, value in self.headers:
            lines.append("%s: %s\r\n" % (name, value))
        lines.append("\r\n")
        head = "".join(lines).encode("utf-8")
        return head if method == "HEAD" else head + self.body


def decode(text):
    """Percent-decoding as werkzeug does it: a stray % stays, bytes that are not UTF-8 are replaced."""
    return unquote_to_bytes(text).decode("utf-8", "replace")


class Connection(asyncio.Protocol):
    """One client. While a request is being answered nothing more is read from the buffer: no pipelining."""

    __slots__ = ("server", "transport", "buffer", "request", "remaining", "busy", "last_used", "chunked")

    def __init__(self, server):
        self.server = server
        self.transport = None
        self.buffer = b""
        self.request = None
        self.remaining = 0
        self.chunked = False
        self.busy = False
        self.last_used = time.monotonic()

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)
        handle = transport.get_extra_info("socket")
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, error):
        self.server.connections.discard(self)

    def data_received(self, data):
        self.last_used = time.monotonic()
        self.buffer += data
        if not self.busy:
            self.advance()

    # -- reading

    def advance(self):
        """Read as far as the buffer goes: head, then body, then hand the request over."""
        if self.request is None and not self.read_head():
            return
        if self.read_chunks() if self.chunked else self.read_body():
            request, self.request = self.request, None
            self.busy = True
            self.server.receive(request, self)

    def read_head(self):
        end = self.buffer.find(b"\r\n\r\n")
        line_end = self.buffer.find(b"\r\n")
        line_length = line_end if line_end >= 0 else len(self.buffer)
        if line_length > MAX_REQUEST_LINE:
            self.refuse(400, "Request Line is too large (%d &gt; %d)" % (
                min(line_length, READ_SIZE), MAX_REQUEST_LINE))
            return False
        if end < 0:
            if len(self.buffer) > MAX_HEADERS:
                self.refuse(400, "Exceeds maximum headers size")
            return False
        head = self.buffer[:end].decode("latin-1")
        self.buffer = self.buffer[end + 4:]
        return self.parse_head(head)

    def parse_head(self, head):
        lines = head.split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self.refuse(400, "Invalid Request Line")
            return False
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                self.refuse(400, "Invalid Header")
                return False
            headers[name.lower()] = value.strip()
        self.request = Request(words[0], words[1], headers)
        return self.expect_body(headers)

    def expect_body(self, headers):
        self.chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "0")
        if not length.isdigit():
            self.refuse(400, "Invalid Content-Length")
            return False
        self.remaining = 0 if self.chunked else int(length)
        if headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def read_body(self):
        """True when the body is complete; a body over the limit is read and thrown away, then refused."""
        request = self.request
        if self.remaining > MAX_BODY:
            request.too_large = True
        if request.too_large:
            taken = min(len(self.buffer), self.remaining)
            self.buffer = self.buffer[taken:]
            self.remaining -= taken
            return self.remaining == 0
        if len(self.buffer) < self.remaining:
            return False
        request.body = self.buffer[:self.remaining]
        self.buffer = self.buffer[self.remaining:]
        return True

    def read_chunks(self):
        while True:
            line_end = self.buffer.find(b"\r\n")
            if line_end < 0:
                return False
            try:
                size = int(self.buffer[:line_end].split(b";")[0], 16)
            except ValueError:
                self.refuse(400, "Invalid chunk size")
                return False
            if len(self.buffer) < line_end + 2 + size + 2:
                return False
            self.request.body += self.buffer[line_end + 2:line_end + 2 + size]
            self.buffer = self.buffer[line_end + 2 + size + 2:]
            if len(self.request.body) > MAX_BODY:
                self.request.too_large = True
                self.request.body = b""
            if size == 0:
                return True

    # -- answering

    def send(self, response, request):
        if self.transport.is_closing():
            return
        close = request.headers.get("connection", "").lower() == "close"
        self.transport.write(response.to_bytes(request.method, close))
        if close:
            self.transport.close()
        else:
            self.ready()

    def send_raw(self, data, close=False):
        if self.transport.is_closing():
            return
        self.transport.write(data)
        if close:
            self.transport.close()
        else:
            self.ready()

    def ready(self):
        self.busy = False
        self.last_used = time.monotonic()
        if self.buffer:
            self.advance()

    def refuse(self, status, text):
        response = Response(status, pages.gunicorn(status, text), "text/html")
        self.transport.write(response.to_bytes("GET", close=True))
        self.transport.close()

    def trickle(self, data, count, seconds):
        """A few bytes at a time, as long as the client stays; the connection is closed after the last."""
        if self.transport.is_closing():
            return
        self.transport.write(data[:count])
        if len(data) > count:
            asyncio.get_running_loop().call_later(seconds, self.trickle, data[count:], count, seconds)
        else:
            self.transport.close()

    def drop(self):
        """Close without an answer: the client sees the end of the stream."""
        self.transport.close()

    def reset(self, data=b""):
        """Send the bytes, then RST instead of FIN."""
        if self.transport.is_closing():
            return
        if data:
            self.transport.write(data)
        handle = self.transport.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class HttpServer:
    """Accepts connections, closes idle ones as gunicorn does, hands requests to `receive(request, connection)`."""

    def __init__(self, receive, idle_seconds):
        self.receive = receive
        self.idle_seconds = idle_seconds
        self.connections = set()
        self.listener = self.port = self.absence = None

    async def start(self, port):
        await self.listen(port)
        self.port = self.listener.sockets[0].getsockname()[1]
        asyncio.get_running_loop().call_later(self.sweep_interval(), self.close_idle)
        return self.port

    async def listen(self, port):
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=1024)

    def go_away(self, seconds):
        """Nobody listens on the port for this time, and whoever is connected is cut off."""
        self.listener.close()
        for connection in list(self.connections):
            connection.drop()
        placeholder = socket.socket()       # bound, but deaf: nobody else gets the port meanwhile
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        placeholder.bind(("127.0.0.1", self.port))
        self.absence = asyncio.get_running_loop().create_task(self.come_back(seconds, placeholder))

    async def come_back(self, seconds, placeholder):
        await asyncio.sleep(seconds)
        await self.listen(self.port)
        placeholder.close()

    def sweep_interval(self):
        return max(0.05, min(0.25, self.idle_seconds / 8))

    def close_idle(self):
        deadline = time.monotonic() - self.idle_seconds
        for connection in list(self.connections):
            if not connection.busy and connection.last_used < deadline:
                connection.transport.close()
        asyncio.get_running_loop().call_later(self.sweep_interval(), self.close_idle)
