"""What arrived and what it did: the request log, the counts of creations, the concurrency seen."""

import collections
import itertools
import re
import time

HEADERS = ("host", "x-request-id", "traceparent", "idempotency-key", "x-frappe-site-name", "accept-language",
           "user-agent")
MAX_BODY = 4096

# What makes two documents the same thing to a tenant, where the name does not.
LOGICAL_KEYS = {
    "Item Price": ("item_code", "price_list"), "Customer": ("customer_name",),
    "POS Opening Entry": ("company", "pos_profile"), "Stock Entry": ("company", "stock_entry_type", "remarks"),
    "Stock Reconciliation": ("company", "purpose"), "POS Invoice": ("company", "customer", "remarks"),
    "Sales Invoice": ("company", "customer", "remarks"), "User Permission": ("user", "allow", "for_value"),
}


class Journal:
    def __init__(self, limit):
        self.limit = limit
        self.reset()

    def reset(self):
        self.entries = collections.deque(maxlen=self.limit)
        self.sequence = 0
        self.running = collections.Counter()
        self.peak = collections.Counter()
        self.by_site = {}

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

    # -- documents

    def count(self, site, outcome):
        """Add what a committed request created and deleted."""
        counts = self.by_site.setdefault(site.name, {"created": {}, "deleted": {}, "derived": collections.Counter()})
        for doctype, name in outcome.inserted:
            add(counts["created"], doctype, logical_name(site.get(doctype, name)))
        for doctype, name in outcome.derived:
            counts["derived"][doctype] += 1
        self.count_gone(site)

    def count_gone(self, site):
        """With what a deletion took along, and what a background job removed."""
        counts = self.by_site.setdefault(site.name, {"created": {}, "deleted": {}, "derived": collections.Counter()})
        gone, site.gone = site.gone, []
        for document in gone:
            add(counts["deleted"], document["doctype"], logical_name(document))

    def inventory(self, sites):
        return {name: self.site_inventory(site) for name, site in sites.items()}

    def site_inventory(self, site):
        self.count_gone(site)
        counts = self.by_site.get(site.name, {"created": {}, "deleted": {}, "derived": {}})
        return {"created": counts["created"], "deleted": counts["deleted"], "derived": dict(counts["derived"]),
                "more_than_once": sorted(more_than_once(counts)),
                "documents": {doctype: len(table) for doctype, table in site.tables.items() if table}}

    def stats(self, sites):
        created = {name: sum(sum(names.values()) for names in counts["created"].values())
                   for name, counts in self.by_site.items()}
        return {"requests": self.sequence, "log_entries": len(self.entries), "running": self.running[""],
                "max_concurrent": self.peak[""], "max_concurrent_by_site": {name: self.peak[name] for name in sites}, "created": created}


def add(counts, doctype, name):
    names = counts.setdefault(doctype, {})
    names[name] = names.get(name, 0) + 1


def logical_name(document):
    fields = LOGICAL_KEYS.get(document["doctype"])
    if fields is None:
        return document["name"]
    return " | ".join(str(document.get(field)) for field in fields if document.get(field) is not None)


def more_than_once(counts):
    """Documents that were created again although they had not been deleted in between."""
    for doctype, names in counts["created"].items():
        for name, number in names.items():
            if number - counts["deleted"].get(doctype, {}).get(name, 0) > 1:
                yield "%s/%s" % (doctype, name)
