"""HTTP/1.1 by hand: requests that are counted as they arrive, and answers of any bytes."""

import socket
import struct
import threading

ARRIVED = {}
ARRIVED_LOCK = threading.Lock()
OK_BODY = b'{"message":"ok"}'


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

    def refuse_handshake(self):
        """As every HTTP server does with what is no HTTP."""
        if not self.buffer:
            self.fill()
        if self.buffer.startswith(b"\x16"):
            self.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            raise Closed

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
        connection.refuse_handshake()
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
