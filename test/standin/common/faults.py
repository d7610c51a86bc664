"""Faults that a test switches on: which requests they hit and what happens to those."""

import gzip
import itertools
import json
import os
import random
import re

from common import pages
from common.http_server import Response

GARBAGE = {"html", "binary", "nul", "deep", "truncated", "cut", "huge", "empty"}
HUGE_BYTES = 64 * 1024 * 1024

numbers = itertools.count(1)


class BadFault(ValueError):
    """The test asked for a fault that does not exist."""


class Fault:
    """Something that strikes once in a while; what it strikes is up to the classes made of this one."""
    match_keys = {"nth", "every", "probability", "times"}
    action_keys = set()

    def __init__(self, description, seed):
        self.match, self.action = description.get("match", {}), description.get("action", {})
        check_keys(self.match, self.match_keys)
        check_keys(self.action, self.action_keys)
        self.number = next(numbers)
        self.random = random.Random(seed + self.number)
        self.seen = 0           # what matched
        self.hits = 0           # what it struck
        self.times = self.match.get("times", 1 if "nth" in self.match else None)

    def strikes(self, *what):
        """Whether this is hit; counts it when it matches."""
        if not self.matches(*what):
            return False
        self.seen += 1
        if self.times is not None and self.hits >= self.times or not self.is_due():
            return False
        self.hits += 1
        return True

    def is_due(self):
        match = self.match
        if "nth" in match:
            return self.seen >= match["nth"]
        if "every" in match:
            return self.seen % match["every"] == 0
        return self.random.random() < match.get("probability", 1)

    def release(self):
        """Called when it is cleared."""

    def describe(self):
        return {"id": self.number, "match": self.match, "action": self.action, "seen": self.seen, "hits": self.hits}


class RequestFault(Fault):
    """Strikes requests, and decides whether they are carried out and what is answered."""
    match_keys = Fault.match_keys | {"method", "path_regex", "query_regex", "body_regex", "site", "user"}
    action_keys = {"delay_ms", "delay_after_ms", "hold", "drop", "reset", "status", "headers", "body", "gzip", "garbage", "hang", "trickle", "effect", "arm"}
    made_up = {"status", "body"}            # keys of an answer that stands for a request not carried out

    def __init__(self, description, seed):
        super().__init__(description, seed)
        if self.action.get("garbage", "html") not in GARBAGE:
            raise BadFault("garbage must be one of " + ", ".join(sorted(GARBAGE)))
        if self.action.get("hold", "before") not in ("before", "after"):
            raise BadFault("hold must be before or after (the effect)")
        self.held = []          # what goes on when the fault is cleared
        self.path = re.compile(self.match.get("path_regex", ""))
        self.query = re.compile(self.match.get("query_regex", ""))
        self.body = re.compile(self.match["body_regex"]) if "body_regex" in self.match else None

    def matches(self, request, site, user):
        match = self.match
        if "method" in match and match["method"] != request.method:
            return False
        if "site" in match and match["site"] != site or "user" in match and match["user"] != user:
            return False
        if not self.path.search(request.path) or not self.query.search(request.query):
            return False
        return self.body is None or self.body.search(request.body.decode("utf-8", "replace")) is not None

    def holds(self, moment):
        return self.action.get("hold") == moment

    def release(self):
        """Lets the requests that it holds go on, in the order of their arrival."""
        held, self.held = self.held, []
        for go_on in held:
            go_on()

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
        return not (self.made_up & set(action))

    def answer(self, request, given):
        """The answer to send instead of the given one (None when the request was not carried out)."""
        action = self.action
        if "garbage" in action:
            return garbage(action, given, self.random)
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
            return self.packed(Response(status, body.encode("utf-8", "surrogatepass"), kind, self.headers()))
        return Response(status, json.dumps(body).encode(), headers=self.headers())

    def packed(self, response):
        if self.action.get("gzip"):
            response.body = gzip.compress(response.body)
            response.headers += (("Content-Encoding", "gzip"),)
        return response

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

    def __init__(self, seed, kind_of):
        self.seed = seed
        self.kind_of = kind_of      # the class for a description
        self.active = []

    def add(self, description):
        fault = self.kind_of(description)(description, self.seed)
        self.active.append(fault)
        return fault

    def clear(self, wanted=None):
        """Takes away the one of this number, or all; what they hold goes on."""
        cleared = [fault for fault in self.active if wanted in (None, str(fault.number))]
        self.active = [fault for fault in self.active if fault not in cleared]
        for fault in cleared:
            fault.release()

    def find(self, kind, *what):
        for fault in self.active:
            if isinstance(fault, kind) and fault.strikes(*what):
                return fault
        return None
