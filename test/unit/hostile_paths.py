"""The ways to misbehave: a function for each path, with "-" for "_"."""

import gzip
import threading
import time
import zlib

from hostile_http import ARRIVED, ARRIVED_LOCK, OK_BODY, Closed

BEHAVIOURS = {}
UNREAD = set()
STOP = threading.Event()
BOMB_SIZE = 64 * 1024 * 1024


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
def reset_content(connection, request):
    connection.answer(b"", status=b"205 Reset Content")


@behaviour
def redirect(connection, request):
    connection.answer(status=b"302 Found", headers=b"Location: /ok?redirected\r\n")


@behaviour
def redirect_to(connection, request):
    """The query is where to: another host, another scheme, nonsense."""
    connection.answer(status=b"301 Moved Permanently", headers=b"Location: %s\r\n" % request.query.encode())


@behaviour
def redirect_loop(connection, request):
    connection.answer(status=b"307 Temporary Redirect", headers=b"Location: /redirect-loop\r\n")


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


@behaviour
def stalls_in_head(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    silence(connection, request)


@behaviour
def stalls_in_body(connection, request):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b"x" * 5000)
    silence(connection, request)


@behaviour
def silent_if_reused(connection, request):
    """As a connection of which only this end still knows."""
    if connection.request_number > 1:
        silence(connection, request)
    connection.answer()


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
    connection.answer(gzip.compress(bytes(BOMB_SIZE)), headers=b"Content-Encoding: gzip\r\n")


@behaviour
def deflate_bomb(connection, request):
    connection.answer(zlib.compress(bytes(BOMB_SIZE)), headers=b"Content-Encoding: deflate\r\n")


@behaviour
def brotli_bomb(connection, request):
    """64 MB of zeros, as brotli's own library packs them."""
    body = bytes.fromhex("cfffff7f002400e2b14072effff9ffff0f8004401c1680eefd3fffffff01900088c302d0bdffcfffff7f001200715800baf7ff")
    connection.answer(body, headers=b"Content-Encoding: br\r\n")


@behaviour
def zstd_bomb(connection, request):
    """64 times 1 MB of zeros."""
    frame = bytes.fromhex("28b52ffda0000010005400001000000100fbff39c00202001000020010000200100002001000020010000200100003001000")
    connection.answer(frame * 64, headers=b"Content-Encoding: zstd\r\n")


@behaviour
def nested_gzip_bomb(connection, request):
    body = gzip.compress(gzip.compress(gzip.compress(bytes(BOMB_SIZE))))
    connection.answer(body, headers=b"Content-Encoding: gzip, gzip, gzip\r\n")


@behaviour
def many_encodings(connection, request):
    connection.answer(headers=b"Content-Encoding: " + b", ".join([b"gzip"] * 100) + b"\r\n")


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
def long_status(connection, request):
    connection.send(b"HTTP/26106\r\n\r\n")
    raise Closed


@behaviour
def other_status(connection, request):
    """Whoever looks for the first blank reads 500."""
    connection.send(b"HTTP/21.1 500 X\r\nContent-Length: 2\r\n\r\n{}")
    raise Closed


@behaviour
def folded_head(connection, request):
    """The first header line continues one that is not there."""
    connection.send(b"HTTP/1.1 200 OK\r\n\tX-Folded: 1\r\nContent-Length: 2\r\n\r\n{}")


@behaviour
def many_short_headers(connection, request):
    connection.answer(headers=b"".join(b"X-%d:\r\n" % i for i in range(int(request.query))))


@behaviour
def set_cookie(connection, request):
    connection.answer(headers=b"Set-Cookie: sid=stolen; Path=/\r\nStrict-Transport-Security: max-age=1000\r\nAlt-Svc: h2=\":1\"; ma=1000\r\n")


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


# Texts that are no texts -----------------------------------------------------------

TEXTS = {
    "invalid-utf8": b'{"message": "caf\xe9 \xff\xfe"}',
    "nul": b'{"message": "a\0b"}',
    "escaped-nul": b'{"message": "a\\u0000b"}',
    "lone-surrogate": b'{"message": "a\\ud800b"}',
    "malformed": b'{"message": "ok",}',
    "cut": b'{"message": "o',
    "deep": b"[" * 100000 + b"]" * 100000,
    "byte-order-mark": b'\xef\xbb\xbf{"message": "ok"}',
    "latin1": '{"message": "M\u00fcller"}'.encode("latin-1"),
    "huge-number": b'{"message": 1e999999999}',
    "login": b"<!DOCTYPE html><html><body><form action=/login><input name=pwd></form></body></html>",
    "page": "<html><h1>\u682a\u5f0f\u4f1a\u793e \U0001f680</h1></html>".encode(),
    "many-scripts": '{"message": "M\u00fcller \u682a \\u682a \\ud83d\\ude80 \U0001f680"}'.encode(),
    "blank": b"",
    "number": b"7",
    "many-keys": b'{%s"message": "ok"}' % b"".join(b'"k%d": 1, ' % i for i in range(100000)),
}


@behaviour
def text(connection, request):
    """The query names one of TEXTS; all come as JSON in UTF-8, or say that they are something else."""
    kind = {"latin1": b"application/json; charset=ISO-8859-1", "login": b"text/html"}
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        kind.get(request.query, b"application/json"), len(TEXTS[request.query]), TEXTS[request.query]))
