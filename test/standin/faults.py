"""Faults that a test switches on: which requests they hit and what happens to those."""

import itertools
import json
import os
import random
import re

import api
import pages
from errors import FrappeError
from http_server import Response

MATCH_KEYS = {"method", "path_regex", "query_regex", "body_regex", "site", "user", "nth", "every", "probability", "times"}
ACTION_KEYS = {"delay_ms", "delay_after_ms", "drop", "reset", "status", "headers", "body", "exc_type", "garbage", "hang",
               "half_made_company", "effect", "arm"}
GARBAGE = {"html", "binary", "nul", "deep", "truncated", "cut", "huge", "empty"}
HUGE_BYTES = 64 * 1024 * 1024

numbers = itertools.count(1)


class BadFault(ValueError):
    """The test asked for a fault that does not exist."""


class Fault:
    def __init__(self, description, seed):
        match, action = description.get("match", {}), description.get("action", {})
        check_keys(match, MATCH_KEYS)
        check_keys(action, ACTION_KEYS)
        if action.get("garbage", "html") not in GARBAGE:
            raise BadFault("garbage must be one of " + ", ".join(sorted(GARBAGE)))
        self.number = next(numbers)
        self.match, self.action = match, action
        self.path = re.compile(match.get("path_regex", ""))
        self.query = re.compile(match.get("query_regex", ""))
        self.body = re.compile(match["body_regex"]) if "body_regex" in match else None
        self.random = random.Random(seed + self.number)
        self.seen = 0           # requests that matched
        self.hits = 0           # requests it struck
        self.times = match.get("times", 1 if "nth" in match else None)

    def strikes(self, request, site, user):
        """Whether this request is hit; counts the request when it matches."""
        if not self.matches(request, site, user):
            return False
        self.seen += 1
        if self.times is not None and self.hits >= self.times or not self.is_due():
            return False
        self.hits += 1
        return True

    def matches(self, request, site, user):
        match = self.match
        if "method" in match and match["method"] != request.method:
            return False
        if "site" in match and match["site"] != site or "user" in match and match["user"] != user:
            return False
        if not self.path.search(request.path) or not self.query.search(request.query):
            return False
        return self.body is None or self.body.search(request.body.decode("utf-8", "replace")) is not None

    def is_due(self):
        match = self.match
        if "nth" in match:
            return self.seen >= match["nth"]
        if "every" in match:
            return self.seen % match["every"] == 0
        return self.random.random() < match.get("probability", 1)

    def describe(self):
        return {"id": self.number, "match": self.match, "action": self.action, "seen": self.seen, "hits": self.hits}

    def arm(self):
        """Write the file by which a test lets another process fail while it waits for this request's answer."""
        wanted = self.action.get("arm")
        if wanted:
            partial = wanted["file"] + ".partial"
            with open(partial, "w", encoding="utf-8") as file:
                file.write(wanted["text"])
            os.replace(partial, wanted["file"])

    # -- what the action means

    def has_effect(self):
        """Whether the request is carried out; an answer made up by the fault stands for one that was not."""
        action = self.action
        if "effect" in action:
            return bool(action["effect"])
        if action.get("drop") == "before" or action.get("hang"):
            return False
        return not ({"status", "exc_type", "body"} & set(action))

    def answer(self, request, given):
        """The answer to send instead of the given one (None when the request was not carried out)."""
        action = self.action
        if "garbage" in action:
            return garbage(action, given, self.random)
        if "exc_type" in action:
            error = FrappeError(action["exc_type"], str(action.get("body", "")))
            error.status = action.get("status", error.status)
            if error.status >= 500 or not error.text:
                error.messages = []         # what the database or Python raises has no message for people
            body = api.encode(api.error_body(error)).encode()
            return Response(error.status, body, headers=self.headers())
        if "body" in action or "status" in action:
            return self.given_answer(action)
        return given

    def given_answer(self, action):
        status = action.get("status", 200)
        if "body" not in action:
            return Response(status, pages.proxy(status), "text/html", self.headers())
        body = action["body"]
        if isinstance(body, str):
            kind = "text/html" if body.lstrip()[:1] == "<" else "application/json"
            return Response(status, body.encode("utf-8", "surrogatepass"), kind, self.headers())
        return Response(status, json.dumps(body).encode(), headers=self.headers())

    def headers(self):
        return tuple((name, str(value)) for name, value in self.action.get("headers", {}).items())


def check_keys(given, known):
    unknown = set(given) - known
    if unknown:
        raise BadFault("unknown key %s; known are %s" % (", ".join(sorted(unknown)), ", ".join(sorted(known))))


def garbage(action, given, source):
    """Answers no client should believe."""
    kind = action["garbage"]
    status = action.get("status", given.status if given else 200)
    if kind == "html":
        return Response(action.get("status", 502), pages.proxy(action.get("status", 502)), "text/html")
    bodies = {
        "binary": lambda: source.randbytes(4096),
        "nul": lambda: b'{"data": {"name": "a\x00b", "text": "c\\u0000d\xff\xfe"}}',
        "deep": lambda: b'{"data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "huge": lambda: b'{"data": "' + b"x" * HUGE_BYTES + b'"}',
        "empty": lambda: b"",
        "cut": lambda: half(given),
        "truncated": lambda: given.body if given else b'{"data": {}}',
    }
    return Response(status, bodies[kind]())


def half(given):
    body = given.body if given else b'{"data": {"name": "cut"}}'
    return body[:len(body) // 2]


class Faults:
    """The switched-on faults, oldest first; the first one that strikes decides."""

    def __init__(self, seed):
        self.seed = seed
        self.active = []

    def add(self, description):
        fault = Fault(description, self.seed)
        self.active.append(fault)
        return fault

    def find(self, request, site, user):
        for fault in self.active:
            if fault.strikes(request, site, user):
                return fault
        return None
