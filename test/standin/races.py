"""What the real server does to requests that run at the same moment: one of them fails, or all but one.

Measured on ERPNext v15: two Company creations at once, one always failed; six warehouses of one tree, four failed;
three opening entries, one failed; three saves of settings, one failed.
"""

import json

from company import lost_race
from errors import deadlock

CHANCE_TO_LOSE = {"company": 1.0, "warehouse": 0.67, "opening": 0.33, "settings": 0.33}


def kind_of(request):
    path = request.path
    if request.method == "POST" and path.startswith("/api/resource/Company"):
        return "company"
    if request.method == "POST" and path.startswith("/api/resource/Warehouse") and "Type" not in path:
        return "warehouse"
    if request.method == "POST" and path.startswith("/api/resource/POS Opening Entry"):
        return "opening"
    if request.method == "PUT" and ("Settings" in path or "Global Defaults" in path):
        return "settings"
    return None


class Race:
    """One request's part in the races of its kind on its site."""

    def __init__(self, site, request):
        self.site, self.kind = site, kind_of(request)
        self.request = request
        self.winner = None          # the request that ran beside this one and was first to succeed
        if self.kind:
            self.rivals().append(self)

    def rivals(self):
        return self.site.in_flight.setdefault(self.kind, [])

    def lost(self):
        """The error of a request that another one overtook, or None."""
        if self.kind is None or self.winner is None or self.winner.same_thing(self):
            return None
        if self.site.random.random() >= CHANCE_TO_LOSE[self.kind]:
            return None
        return lost_race(self.site, self.winner.abbreviation()) if self.kind == "company" else deadlock(
            self.kind != "opening")

    def same_thing(self, other):
        """The same document twice is a duplicate, not a deadlock."""
        return self.request.path == other.request.path and self.request.body == other.request.body \
            and self.kind in ("company", "warehouse")

    def abbreviation(self):
        try:
            return json.loads(self.request.body).get("abbr")
        except ValueError:
            return None

    def won(self, succeeded):
        """After a success, all that still run have been overtaken."""
        if self.kind is None or not succeeded:
            return
        for rival in self.rivals():
            if rival is not self and rival.winner is None:
                rival.winner = self

    def leave(self):
        if self.kind and self in self.rivals():
            self.rivals().remove(self)
