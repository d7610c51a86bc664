"""What arrived and what it did: the request log, the counts of creations, the concurrency seen."""

import collections
import itertools
import re
import time

HEADERS = ("host", "x-request-id", "traceparent", "idempotency-key", "x-frappe-site-name", "accept-language",
           "user-agent", "x-agent-job-id", "x-press-team")
MAX_BODY = 4096


class Journal:
    def __init__(self, limit):
        self.limit = limit
        self.reset()

    def reset(self):
        self.entries = collections.deque(maxlen=self.limit)
        self.sequence = 0
        self.running = collections.Counter()
        self.peak = collections.Counter()
        self.counts = {}            # place → what was created and deleted there
        self.told = []              # secrets that were made and told in answers

    def tell(self, secret):
        self.told.append(secret)
        return secret

    # -- requests

    def open(self, request, site, user):
        """Called when a request has arrived; the entry is completed when it is answered."""
        self.sequence += 1
        for name in ("", site):
            self.running[name] += 1
            self.peak[name] = max(self.peak[name], self.running[name])
        headers = request.headers
        entry = {"seq": self.sequence, "time": time.time(), "site": site, "method": request.method,
                 "path": request.path, "query": request.query, "user": user, "status": "pending", "effect": None,
                 "concurrency": self.running[site], "fault": None, "body_bytes": len(request.body),
                 "body": request.body[:MAX_BODY].decode("utf-8", "replace"),
                 "headers": {name: headers[name] for name in HEADERS if name in headers}}
        self.entries.append(entry)
        return entry

    def close(self, entry, status):
        entry["status"] = status
        entry["ms"] = round((time.time() - entry["time"]) * 1000, 3)
        for name in ("", entry["site"]):
            self.running[name] -= 1

    def since(self, number, method=None, path_regex=""):
        """The entries after this sequence number."""
        skipped = max(0, number - (self.sequence - len(self.entries)))
        path = re.compile(path_regex)
        return [entry for entry in itertools.islice(self.entries, skipped, None)
                if method in (None, entry["method"]) and path.search(entry["path"])]

    def stats(self):
        created = {name: sum(sum(names.values()) for names in counts["created"].values()) for name, counts in self.counts.items()}
        return {"requests": self.sequence, "log_entries": len(self.entries), "running": self.running[""], "max_concurrent": self.peak[""],
                "max_concurrent_by_site": {name: peak for name, peak in self.peak.items() if name}, "created": created}

    # -- what the requests made

    def counts_of(self, place):
        return self.counts.setdefault(place, {"created": {}, "deleted": {}})

    def created(self, place, kind, name):
        add(self.counts_of(place)["created"], kind, name)

    def deleted(self, place, kind, name):
        add(self.counts_of(place)["deleted"], kind, name)

    def more_than_once(self, place):
        """What was created again although it had not been deleted in between."""
        counts = self.counts_of(place)
        return sorted("%s/%s" % (kind, name) for kind, names in counts["created"].items() for name, number in names.items()
                      if number - counts["deleted"].get(kind, {}).get(name, 0) > 1)


def add(counts, kind, name):
    names = counts.setdefault(kind, {})
    names[name] = names.get(name, 0) + 1
