"""Replays the recordings of a real ERPNext v15 and compares what the stand-in answers."""

import http.client
import json
import pathlib
import re
import unittest

import replay_plan as plan
from common.sessions import open_session
from standin_process import StandIn

RECORDINGS = pathlib.Path(__file__).resolve().parent.parent / "recordings" / "erpnext"
SITE = "erp.localhost"

# Differ from run to run on the real server too.
VOLATILE = {"creation", "modified", "lft", "rgt", "idx", "posting_time", "__unsaved", "in_words", "base_in_words",
            "userid", "__frappe_exc_id", "primary_action"}
VOLATILE_IN_ROWS = VOLATILE | {"owner", "modified_by"}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
HASH = re.compile(r"\b[0-9a-v]{10}\b")


def load(recording):
    with open(RECORDINGS / (recording + ".json"), encoding="utf-8") as file:
        return json.load(file)


def recordings_of(session):
    names = [path.stem for path in RECORDINGS.glob("*.json") if plan.step_of(path.stem) in session.steps]
    return sorted(names, key=plan.order)


class Comparison:
    """Collects where an answer differs from the recorded one."""

    def __init__(self, recording):
        self.ignored = plan.IGNORED_FIELDS.get(recording, set())
        self.differences = []

    def compare(self, want, got, path="", volatile=VOLATILE):
        if isinstance(want, dict) and isinstance(got, dict):
            self.compare_dicts(want, got, path, volatile)
        elif isinstance(want, list) and isinstance(got, list):
            self.compare_lists(want, got, path)
        elif normal(want) != normal(got):
            self.differences.append("%s: recorded %.150r, got %.150r" % (path, want, got))

    def compare_dicts(self, want, got, path, volatile):
        skipped = volatile | self.ignored
        if set(want) - skipped != set(got) - skipped:
            self.differences.append("%s: only recorded %s, only here %s" % (
                path, sorted(set(want) - set(got) - skipped), sorted(set(got) - set(want) - skipped)))
        for key in set(want) & set(got) - skipped:
            self.compare(want[key], got[key], "%s.%s" % (path, key))

    def compare_lists(self, want, got, path):
        """Lists without order_by come in any order; a long recorded list was cut, which its last entry says."""
        cut = bool(want) and isinstance(want[-1], str) and want[-1].endswith(" more")
        want = sorted(want[:-1] if cut else want, key=sort_key)
        got = sorted(got, key=sort_key)
        if cut:
            wanted = [sort_key(row) for row in want]
            got = [row for row in got if sort_key(row) in wanted]
        if len(want) != len(got):
            self.differences.append("%s: recorded %d rows, got %d" % (path, len(want), len(got)))
        for number, (one, other) in enumerate(zip(want, got)):
            self.compare(one, other, "%s[%d]" % (path, number), VOLATILE_IN_ROWS)


def normal(value):
    return HASH.sub("<hash>", TIME.sub("<time>", value)) if isinstance(value, str) else value


def sort_key(row):
    if not isinstance(row, dict):
        return normal(str(row))
    return json.dumps({key: normal(value) for key, value in row.items() if key not in VOLATILE_IN_ROWS}, sort_keys=True)


def readable(body):
    """Messages unpacked, the traceback reduced to its presence."""
    if not isinstance(body, dict):
        return body
    body = dict(body)
    if "_server_messages" in body:
        body["_server_messages"] = [json.loads(entry) for entry in json.loads(body["_server_messages"])]
    if "exc" in body:
        body["exc"] = "a traceback"
    return body


class Player:
    """Sends recordings to a stand-in in their order and keeps what differs."""

    def __init__(self, server, session):
        self.server, self.session = server, session
        self.compared = self.skipped = 0
        self.prepared = set()
        self.secrets = {}       # those that the server has made since
        self.failures = []

    def play(self):
        for recording in recordings_of(self.session):
            number = re.match(r"\d+", recording)[0]
            for key in (recording, number):
                self.prepare_once(key)
            if plan.reason_not_replayed(recording):
                self.skipped += 1
            else:
                self.replay(recording, load(recording))

    def prepare_once(self, key):
        """The steps before a number belong before its first recording only."""
        if key not in self.prepared:
            self.prepared.add(key)
            for step in plan.UNRECORDED.get(key, ()):
                self.prepare(*step)

    def prepare(self, kind, path, values, user):
        if kind == "MODE":
            self.server.control("POST", "mode", values)
        elif kind == "FAULT":
            self.server.control("POST", "fault", values)
        elif kind == "USER":
            roles = {} if values is None else {"roles": values}
            self.server.control("POST", "user", dict(roles, name=path, key=path, secret="secret"))
        elif kind == "DELETE ALL":
            self.delete_all(path, values)
        else:
            self.expect(self.send(kind, path, values, headers(self.authorization("", user))), kind, path)

    def delete_all(self, doctype, filters):
        body = {"doctype": doctype, "filters": filters, "limit_page_length": 0}
        status, answer = self.send("POST", "/api/method/frappe.client.get_list", body, headers(self.authorization("")))
        for row in answer["message"]:
            self.prepare(*plan.delete(doctype, row["name"]))

    def expect(self, answer, kind, path):
        """An unrecorded step must work, unless a fault was set for it."""
        status, body = answer
        if status >= 300 and not (status == 500 and isinstance(body, str)):
            self.failures.append("unrecorded %s %s: %d %.300s" % (kind, path, status, body))

    def authorization(self, recording, user=None):
        number = re.match(r"\d*", recording)[0]
        if number in plan.AUTHORIZATION:
            return plan.AUTHORIZATION[number]
        for name, pattern in plan.USERS.items():
            if name == user or pattern.match(recording):
                return "token %s:%s" % (name, self.secrets.get(name, "secret"))
        return "token test-key:test-secret"

    def replay(self, recording, exchange):
        request, recorded = exchange["request"], exchange["response"]
        sent = dict(request["headers"], Host=request["headers"].get("Host", SITE))
        if "Authorization" in sent:
            sent["Authorization"] = self.authorization(recording)
        if "Cookie" in sent:
            sent["Cookie"] = "sid=" + open_session(SITE, "Administrator")
        status, body = self.send(request["method"], request["path"], body_of(recording, request["body"]), sent)
        if recording == "1211-generate-keys":
            self.secrets[request["body"]["user"]] = body["message"]["api_secret"]
        self.compared += 1
        for difference in differences(recording, recorded, status, body):
            self.failures.append("%s: %s" % (recording, difference))

    def send(self, method, path, body, sent):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            connection.putheader(name, value.encode("utf-8"))
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text


def headers(authorization):
    return {"Host": SITE, "Authorization": authorization, "Content-Type": "application/json"}


def body_of(recording, body):
    """Texts were sent as they are; one recording shows bytes in Python's notation, one only a length."""
    if body == "(27 MB)":
        return b'{"warehouse_name": "' + b"x" * 27_000_000 + b'"}'
    if isinstance(body, str):
        if body.startswith("b'"):
            return body[2:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")
        return body.encode("utf-8")
    if recording == "0010-login":
        return dict(body, pwd="test-secret")
    return body


def differences(recording, recorded, status, body):
    found = [] if status == recorded["status"] else ["recorded status %d, got %d" % (recorded["status"], status)]
    want, got = readable(recorded["body"]), readable(body)
    if type(want) is not type(got):
        return found + ["recorded %.200r, got %.200r" % (want, got)]
    if isinstance(want, str):
        # Pages built by Frappe's templates are compared by their status and by being HTML.
        same = want.startswith("<!DOCTYPE") == got.startswith("<!DOCTYPE") if "<!DOCTYPE" in want else want == got
        return found if same else found + ["recorded page %.200r, got %.200r" % (want, got)]
    only = plan.ONLY_FIELDS.get(recording)
    if only:
        want, got = ({name: answer["data"][name] for name in only} for answer in (want, got))
    comparison = Comparison(recording)
    comparison.compare(want, got)
    return found + comparison.differences


class Replay(unittest.TestCase):
    longMessage = False
    compared = skipped = 0

    @classmethod
    def tearDownClass(cls):
        print("\nrecorded exchanges compared: %d, not replayed by nature: %d" % (cls.compared, cls.skipped))

    def play(self, session):
        arguments = ["--site", "%s:%s" % (SITE, session.state), "--today", session.today, "--job-ms", "0"]
        with StandIn(*arguments, *session.options) as server:
            player = Player(server, session)
            player.play()
        Replay.compared += player.compared
        Replay.skipped += player.skipped
        self.assertGreater(player.compared, 0, "nothing was replayed")
        self.assertEqual(player.failures, [], "%d differences\n%s" % (len(player.failures), "\n".join(player.failures)))


def add_tests():
    """One test per session, named after it."""
    for session in plan.SESSIONS:
        name = "test_" + re.sub(r"\W+", "_", session.name)
        setattr(Replay, name, lambda self, session=session: self.play(session))


add_tests()

if __name__ == "__main__":
    unittest.main()
