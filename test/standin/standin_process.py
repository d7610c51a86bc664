"""Starts a stand-in as a process of its own and talks to it and to its control API: for tests written in Python."""

import collections
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
MAX_START_SECONDS = 120
MAX_WAIT_SECONDS = 60

Answer = collections.namedtuple("Answer", "status reason headers body")


class StandIn:
    """A context manager: running inside, ended after it."""

    program = "erpnext.py"

    def __init__(self, *arguments):
        self.arguments = arguments
        self.process = self.port = None

    def __enter__(self):
        with tempfile.TemporaryDirectory() as folder:
            ready = os.path.join(folder, "ready")
            self.process = subprocess.Popen([sys.executable, str(FOLDER / self.program), "--port", "0", "--ready-file", ready,
                                             "--max-seconds", "300", *self.arguments])
            self.port = self.wait_for(ready)
        return self

    def wait_for(self, ready):
        end = time.monotonic() + MAX_START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if os.path.exists(ready):
                with open(ready, encoding="ascii") as file:
                    return int(file.read())
            time.sleep(0.01)
        raise RuntimeError("the stand-in did not start")

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(10)

    def request(self, method, path, body=None, headers=None, timeout=30):
        """A body that is text is sent as it is; any other as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.headers, answer.read())
        finally:
            connection.close()

    def control(self, method, name, body=None):
        answer = self.request(method, "/_standin/" + name, body)
        result = json.loads(answer.body)
        if answer.status != 200:
            raise RuntimeError("%s %s: %s" % (method, name, result))
        return result


class AgentStandIn(StandIn):
    program = "agent.py"


class PressStandIn(StandIn):
    program = "press.py"


class StandInCase(unittest.TestCase):
    """One process for the tests of a class, reset before each."""
    standin = StandIn
    arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(cls.standin(*cls.arguments))

    def setUp(self):
        self.server.control("POST", "reset")

    def fault(self, action, **match):
        return self.server.control("POST", "fault", {"match": match, "action": action})

    def wait_until(self, condition):
        end = time.monotonic() + MAX_WAIT_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, "the awaited state did not come")
            time.sleep(0.01)
