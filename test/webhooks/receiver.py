"""Receives webhooks as a customer's server would, well or badly: what it does is chosen by the path, for /random by chance.

Each message is judged by the library of Standard Webhooks (judge.js) while it is fresh and noted as a line of JSON in a file that outlives
the process: {"path", "id", "signatures", "verdict", "type", "job_id", "event_id", "answer"}. The standard library alone.
"""

import argparse
import http.server
import json
import os
import random
import socket
import subprocess
import threading
import time

FORWARDED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Judge:
    """One process of node for all messages, one message at a time; without one every message is "not judged"."""

    def __init__(self, program):
        self.lock = threading.Lock()
        self.process = program and subprocess.Popen(["node", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def verdict(self, secret, headers, body):
        if not self.process:
            return "not judged"
        with self.lock:
            self.process.stdin.write(json.dumps({"secret": secret, "headers": headers, "body": body}) + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().strip()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Nothing: what matters is in the file."""

    def do_GET(self):
        self.reply(405)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        chosen = self.server.choose(self.path)
        self.server.note(self.path, {name: self.headers.get(name, "") for name in FORWARDED}, body, chosen)
        getattr(self, "answer_" + chosen)()

    def reply(self, status, headers=(), body=b"{}"):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self):
        self.reply(random.choice((200, 202, 204)) if self.path == "/random" else 200, body=b"")

    def answer_error(self):
        self.reply(500, body=b'{"password": "hunter2-of-the-receiver"}')

    def answer_busy(self):
        self.reply(429, [("Retry-After", "1")])

    def answer_redirect(self):
        self.reply(302, [("Location", "/ok")])

    def answer_gone(self):
        self.reply(410)

    def answer_large(self):
        self.reply(200, body=b"x" * 1_000_000)

    def answer_hang(self):
        """Until the sender loses its patience."""
        self.connection.settimeout(60)
        try:
            self.connection.recv(1)
        except OSError:
            pass
        self.close_connection = True

    def answer_drop(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, options):
        super().__init__(("127.0.0.1", options.port), Receiver)
        self.options = options
        self.judge = Judge(options.judge)
        self.lock = threading.Lock()
        self.log = open(options.log, "a", encoding="utf-8")

    def handle_error(self, request, client_address):
        """A sender that was killed is no error."""

    def choose(self, path):
        name = path.strip("/").split("?")[0]
        if name != "random":
            return name if hasattr(Receiver, "answer_" + name) else "ok"
        if random.random() >= self.options.fail:
            return "ok"
        return random.choice(("error", "busy", "redirect", "drop", "drop", "error", "error", "hang"))

    def secret(self, path):
        """The newest line of the file of secrets that is for this path: "path secret"."""
        with open(self.options.secrets, encoding="ascii") as file:
            secrets = dict(line.split() for line in file)
        return secrets.get(path, "")

    def note(self, path, headers, body, chosen):
        message = json.loads(body)
        line = {"path": path, "id": headers["webhook-id"], "signatures": len(headers["webhook-signature"].split()),
                "verdict": self.judge.verdict(self.secret(path), headers, body), "type": message["type"],
                "job_id": message["data"].get("job_id"), "event_id": message["data"].get("event_id"), "data": message["data"], "answer": chosen}
        with self.lock:
            self.log.write(json.dumps(line) + "\n")
            self.log.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--secrets", required=True, help="lines of a path and the secret of its webhook")
    parser.add_argument("--judge", help="judge.js beside an installed standardwebhooks")
    parser.add_argument("--fail", type=float, default=0.3, help="share of the messages to /random that are not accepted")
    parser.add_argument("--max-seconds", type=int, default=1200)
    options = parser.parse_args()
    server = Server(options)
    with open(options.ready_file + ".new", "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    os.rename(options.ready_file + ".new", options.ready_file)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    time.sleep(options.max_seconds)


main()
