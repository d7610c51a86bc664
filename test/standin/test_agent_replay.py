"""Replays the recordings of a real Frappe Agent and compares what the stand-in answers, to the byte where time and chance allow."""

import json
import pathlib
import re
import unittest

import agent_replay_plan as plan
from frappe_agent.errors import encode
from standin_process import AgentStandIn

RECORDINGS = pathlib.Path(__file__).resolve().parent.parent / "recordings" / "agent"
TOKEN = {"Authorization": "bearer agent-secret-token"}
HEADERS = ("Content-Type", "WWW-Authenticate")
CUT = "  ..."           # in a recorded traceback: the lines that were left out

# What differs from run to run on the real server too.
VOLATILE = [
    (re.compile(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(?:\.\d{6})?"), r"<time\1>"),
    (re.compile(r'"(\d|\d\d):\d\d:\d\d(?:\.\d{6})?"'), lambda found: '"<%d digits of hours>"' % len(found[1])),
    (re.compile(r"\b\d{8}_\d{6}-"), "<stamp>-"),
    (re.compile(r"(password |IDENTIFIED BY ')[A-Za-z0-9]{16}\b"), r"\1<random>"),
    (re.compile(r"(-u(?:<db>|_\w+) -p|\"db_password\":\")\w+"), r"\1<password>"),
    (re.compile(r"_stubdb|_[0-9a-f]{16}"), "<db>"),
    (re.compile(r'("access_token":"\$pbkdf2-sha256\$29000\$)[^"]+'), r"\1<hash>"),
    (re.compile(r'("worker_name":")[0-9a-f]{32}'), r"\1<hash>"),
    (re.compile(r'"data":"b\'x.*?\'"'), '"data":"<pickled>"'),
]


def load(name):
    with open(RECORDINGS / (name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def recordings(first, last):
    names = [path.stem for path in RECORDINGS.glob("*.json")]
    return sorted((name for name in names if first <= number(name) <= last), key=lambda name: (number(name), name.replace("_", "!")))


def number(name):
    return int(re.match(r"\d+", name)[0])


def normal(body):
    text = encode(body)
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def without_frames(body, wanted):
    """The traceback's first line and as many of its last ones as were recorded."""
    lines = wanted.get("error") if isinstance(wanted, dict) else None
    if not lines or CUT not in lines or "error" not in body:
        return body
    return dict(body, error=body["error"][:1] + [CUT] + body["error"][2 - len(lines):])


class Replay(unittest.TestCase):
    longMessage = False

    def test_every_recorded_exchange(self):
        self.failures, played = [], []
        with AgentStandIn(*plan.OPTIONS) as server:
            for kind, what, more, key in plan.STEPS:
                if kind == "CONTROL":
                    server.control("POST", what, more)
                elif kind == "POST":
                    headers = dict(TOKEN, **({"X-Agent-Job-Id": key} if key else {}))
                    self.assertEqual(server.request("POST", what, more, headers).status, 200, what)
                else:
                    played += recordings(what, more)
                    for name in recordings(what, more):
                        self.replay(server, name)
        print("\nrecorded exchanges of Frappe Agent compared: %d" % len(played))
        self.assertEqual(sorted(played), sorted(set(recordings(0, 999)) - plan.NOT_REPLAYED), "played once each")
        self.assertEqual(self.failures, [], "%d differences\n%s" % (len(self.failures), "\n".join(self.failures)))

    def replay(self, server, name):
        exchange = load(name)
        request, recorded = exchange["request"], exchange["response"]
        got = server.request(request["method"], request["path"], request["body"], request["headers"])
        self.differ(name, "status", (recorded["status"], recorded["reason"]), (got.status, got.reason))
        for header in HEADERS:
            self.differ(name, header, recorded["headers"].get(header), got.headers.get(header))
        body = json.loads(got.body)
        self.differ(name, "body", normal(recorded["body"]), normal(without_frames(body, recorded["body"])))
        self.differ(name, "bytes", encode(body) + "\n", got.body.decode("utf-8"))

    def differ(self, name, what, wanted, got):
        if wanted != got:
            self.failures.append("%s: %s\n    recorded %s\n    got      %s" % (name, what, wanted, got))

    def test_the_encoding_gives_the_recorded_lengths(self):
        """Where nothing of the body was left out or renamed when it was recorded."""
        checked = 0
        for name in recordings(0, 999):
            response = load(name)["response"]
            length = response.get("headers", {}).get("Content-Length")
            if length and CUT not in encode(response["body"]) and "/home/frappe" not in encode(response["body"]):
                self.assertEqual(len(encode(response["body"]) + "\n"), int(length), name)
                checked += 1
        self.assertGreater(checked, 40)


if __name__ == "__main__":
    unittest.main()
