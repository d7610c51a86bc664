"""HTTP/2 by hand: a server that refuses streams."""

from hostile_http import Connection, count_arrival


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
