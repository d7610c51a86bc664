"""How requests get to Press, and what keeps them from it."""

import base64
import binascii

from common.gateway import Exchange, Gateway
from common.journal import Journal
from errors import FrappeError
from faults import FrappeFault
from frappe_press import api
from frappe_press.cloud import Cloud, Site
from frappe_press.jobs import PressJobFault


class PressExchange(Exchange):
    def effect(self):
        caller = api.Caller(self.place, key_of(self.place, self.request), self.request.headers.get("x-press-team"))
        response = api.answer(caller, self.request)
        self.entry["effect"] = caller.effect if response.status == 200 else None
        return response


class PressGateway(Gateway):
    exchange = PressExchange
    fault, job_fault = FrappeFault, PressJobFault

    def __init__(self, options):
        self.cloud = None
        self.mode_at_start = {"manual": options.manual, "step_ms": options.step_ms, "may_create": True, "hide_missing": False,
                              "exists_per_minute": 10, "made_under": None}
        super().__init__(options, Journal(options.log_limit), CONTROL)

    def reset(self):
        """Nothing but the users of the start; the jobs of before stand still for ever."""
        self.mode["manual"] = True
        super().reset()
        self.cloud = Cloud(self.options, self.mode, self.faults, self.journal, self.later)

    def set_mode(self, changes):
        result = super().set_mode(changes)
        for job in self.cloud.jobs.values():
            self.cloud.go_on_later(job)
        return result

    def inventory(self):
        return {team: dict(self.journal.counts_of(team), more_than_once=self.journal.more_than_once(team),
                           sites={name: site.status for name, site in self.cloud.sites.items() if site.team == team})
                for user in self.cloud.users.values() for team in user["teams"]}

    def find_place(self, request):
        return "press", self.cloud

    def user_name(self, cloud, request):
        return key_of(cloud, request)

    def refusal(self, request, name, cloud):
        if key_of(cloud, request) is None and not request.path.endswith("/" + api.OPEN_METHOD):
            return api.error_response(FrappeError("AuthenticationError", "", messages=[]))
        return None


def key_of(cloud, request):
    """The key of whoever knows the secret to it."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
    key, _, secret = given.partition(":")
    user = cloud.users.get(key)
    return key if user is not None and user["secret"] == secret and scheme.lower() in ("token", "basic") else None


def tick(gateway, body, query):
    for _ in range(body.get("count", 1)):
        gateway.cloud.tick()
    return [job.show() for job in gateway.cloud.jobs.values()]


def add_user(gateway, body, query):
    gateway.cloud.users[body["key"]] = {"secret": body["secret"], "teams": body["teams"]}
    return {}


def set_site(gateway, body, query):
    """A site that nobody asked for, a domain of its own, a status that nobody caused: Suspended, Inactive, Broken."""
    cloud, name = gateway.cloud, body["site"]
    if name not in cloud.sites:
        cloud.sites[name] = Site(name, body["team"], ["frappe"], "bench-0001", "USD 10", "Default")
    cloud.sites[name].status = body.get("status", "Active")
    if "domain" in body:
        cloud.domains[body["domain"]] = name
    return {}


CONTROL = {("POST", "tick"): tick, ("POST", "user"): add_user, ("POST", "site"): set_site}
