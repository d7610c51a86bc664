"""Starts a stand-in as a process of its own and talks to its control API: for tests written in Python."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
MAX_START_SECONDS = 20


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

    def control(self, method, name, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, "/_standin/" + name, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        result = json.loads(answer.read())
        connection.close()
        if answer.status != 200:
            raise RuntimeError("%s %s: %s" % (method, name, result))
        return result


class AgentStandIn(StandIn):
    program = "agent.py"
