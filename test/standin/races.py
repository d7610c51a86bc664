"""What the real server does to requests that run at the same moment: one of them fails, or all but one.

Measured on ERPNext v15: two Company creations at once, one always failed; six warehouses of one tree, four failed;
three opening entries, one failed; three saves of settings, one failed; the same new customer three times, two
duplicates; the same Item Price three times, three rows.
"""

import json

from company import lost_race
from errors import deadlock, duplicate

CHANCE_TO_LOSE = {"Company": 1.0, "Customer": 1.0, "Warehouse": 0.67, "POS Opening Entry": 0.33, "settings": 0.33}
CREATIONS = set(CHANCE_TO_LOSE) | {"Item Price"}


def kind_of(request):
    doctype = request.path[len("/api/resource/"):].partition("/")[0]
    if request.method == "POST" and doctype in CREATIONS:
        return doctype
    if request.method == "PUT" and (doctype.endswith(" Settings") or doctype == "Global Defaults"):
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
        if self.kind is None or self.winner is None or self.kind == "Item Price":
            return None
        if self.kind == "Customer":
            # Both looked for a free name before either had stored it.
            name = self.sent("customer_name")
            return duplicate("Customer", name) if name == self.winner.sent("customer_name") else None
        if self.is_waiting_for_the_same() or self.site.random.random() >= CHANCE_TO_LOSE[self.kind]:
            return None
        if self.kind == "Company":
            return lost_race(self.site, self.winner.sent("abbr"))
        return deadlock(erpnext=self.kind != "POS Opening Entry")

    def is_waiting_for_the_same(self):
        """The same company or warehouse waits for the first one to commit and then is a plain duplicate."""
        return self.kind in ("Company", "Warehouse") and self.request.body == self.winner.request.body

    def sees_too_little(self):
        """Whether a check for duplicates would have run before the winner's row was there."""
        return self.kind == "Item Price" and self.winner is not None

    def sent(self, field):
        try:
            return json.loads(self.request.body).get(field)
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
