"""From a parsed request to an answer: site, mode, fault, delay, effect, log."""

import asyncio

import api
import control
import errors
import pages
from faults import Faults
from fixtures import make_site
from http_server import Response
from journal import Journal
from permissions import authenticate
from races import Race


class Gateway:
    def __init__(self, options):
        self.options = options
        self.sites = {}
        self.journal = Journal(options.log_limit)
        self.faults = Faults(options.seed)
        self.mode = {}
        self.log_file = open(options.log, "a", encoding="utf-8") if options.log else None
        self.reset()

    def reset(self):
        """Every site as it was at the start, nothing logged, no fault, no mode."""
        self.sites = {name: make_site(name, state, self.options) for name, state in self.options.sites.items()}
        for site in self.sites.values():
            site.schedule, site.job_seconds = self.later, self.options.job_ms / 1000
        self.journal.reset()
        self.faults.active = []
        self.mode = {"maintenance": False, "allow_reads": False, "database_down": False, "rate_limit": None}

    def later(self, seconds, work):
        asyncio.get_running_loop().call_later(seconds, work)

    # -- one request

    def receive(self, request, connection):
        if request.path.startswith("/_standin/"):
            connection.send(control.answer(self, request), request)
            return
        host, site = self.find_site(request)
        entry = self.journal.open(request, host, self.user_name(site, request))
        refusal = self.refusal(request, host, site)
        if refusal is not None:
            self.finish(entry, refusal.status)
            connection.send(refusal, request)
            return
        fault = self.faults.find(request, host, entry["user"]) if self.faults.active else None
        race = Race(site, request) if self.options.races else None
        delay = self.delay_of(request) + (fault.action.get("delay_ms", 0) / 1000 if fault else 0)
        exchange = Exchange(self, site, request, connection, entry, fault, race)
        # The effect happens when the time is up, whether or not the client is still there.
        if delay:
            self.later(delay, exchange.carry_out)
        else:
            exchange.carry_out()

    def find_site(self, request):
        host = request.headers.get("x-frappe-site-name") or request.headers.get("host", "").rpartition(":")[0] \
            or request.headers.get("host", "")
        site = self.sites.get(host)
        if site is None and not self.options.strict_host and len(self.sites) == 1 and host in ("127.0.0.1", "localhost"):
            site = next(iter(self.sites.values()))
            host = site.name
        return host, site

    def user_name(self, site, request):
        header = request.headers.get("authorization")
        try:
            return authenticate(site, header).name if site else None
        except errors.FrappeError:
            return None

    def refusal(self, request, host, site):
        """An answer given before the site's code is reached."""
        if request.too_large:
            return Response(413, pages.werkzeug(413, "The data value transmitted exceeds the capacity limit."), pages.HTML)
        if site is None:
            return Response(404, pages.werkzeug(404, "%s does not exist" % host), pages.HTML)
        if self.mode["database_down"]:
            return Response(500, pages.INTERNAL_ERROR, "text/html")
        if self.mode["maintenance"]:
            return self.maintenance_answer(site, request)
        if self.mode["rate_limit"]:
            return self.rate_limit_answer(site, request)
        return None

    def maintenance_answer(self, site, request):
        if not self.mode["allow_reads"]:
            error = errors.FrappeError("SessionStopped", "Session Stopped", messages=[])
        elif request.method in ("GET", "HEAD"):
            return None
        else:
            error = errors.FrappeError("InReadOnlyMode", (
                "Site is running in read only mode for maintenance or site update, this action can not be performed"
                " right now. Please try again later."), title="In Read Only Mode")
        return api.error_response(site, request, error)

    def rate_limit_answer(self, site, request):
        after = str(self.mode["rate_limit"].get("retry_after", 60))
        headers = (("X-RateLimit-Reset", after), ("X-RateLimit-Limit", "20000"), ("X-RateLimit-Remaining", "0"),
                   ("Retry-After", after))
        if request.headers.get("accept", "").startswith("text/"):
            return Response(429, b"Too Many Requests", "text/plain; charset=utf-8", api.COOKIES + headers)
        error = errors.FrappeError("TooManyRequestsError", "", messages=[])
        answer = api.error_response(site, request, error)
        answer.headers = tuple(answer.headers) + headers
        return answer

    def delay_of(self, request):
        """How long the real work would take, by the kind of request."""
        options, path = self.options, request.path
        if "setup_complete" in path:
            return options.wizard_ms / 1000
        if request.method in ("GET", "HEAD"):
            return options.read_ms / 1000
        if path.startswith("/api/resource/Company") and request.method == "POST":
            return options.company_ms / 1000
        if request.method == "DELETE":
            return options.delete_ms / 1000
        if request.method == "PUT" and ("Settings" in path or "Global Defaults" in path):
            return options.settings_ms / 1000
        return options.write_ms / 1000

    def finish(self, entry, status):
        self.journal.close(entry, status)
        if self.log_file:
            self.log_file.write(api.encode(entry) + "\n")
            self.log_file.flush()


class Exchange:
    """One request on its way through effect and answer."""

    def __init__(self, gateway, site, request, connection, entry, fault, race):
        self.gateway, self.site, self.request, self.connection = gateway, site, request, connection
        self.entry, self.fault, self.race = entry, fault, race
        self.action = fault.action if fault else {}

    def carry_out(self):
        response = None
        if self.fault is None or self.fault.has_effect():
            response = self.effect()
        if self.fault:
            self.fault.arm()
        late = self.action.get("delay_after_ms")
        if late:
            self.gateway.later(late / 1000, lambda: self.reply(response))
        else:
            self.reply(response)

    def effect(self):
        """Change the site, unless a request that ran beside this one makes it fail."""
        lost = self.race.lost() if self.race else None
        if lost is not None:
            return api.error_response(self.site, self.request, lost)
        if self.action.get("half_made_company"):
            self.site.in_flight["half made company"] = True
        self.site.in_flight["blind to prices"] = bool(self.race and self.race.sees_too_little())
        outcome = api.answer(self.site, self.request)
        self.site.in_flight.pop("half made company", None)
        if self.race:
            self.race.won(outcome.response.status < 300)
        self.entry["effect"] = outcome.effect
        self.gateway.journal.count(self.site, outcome)
        if self.action.get("half_made_company") and outcome.effect:
            return Response(500, pages.INTERNAL_ERROR, "text/html")
        return outcome.response

    def reply(self, response):
        action, connection = self.action, self.connection
        if self.race:
            self.race.leave()
        if self.fault:
            self.entry["fault"] = self.fault.number
            response = self.fault.answer(self.request, response)
        if action.get("hang"):
            self.gateway.finish(self.entry, "hung")
        elif action.get("drop"):
            self.gateway.finish(self.entry, "dropped")
            connection.drop()
        elif "reset" in action:
            self.gateway.finish(self.entry, "reset")
            connection.reset(response.to_bytes(self.request.method)[:int(action["reset"])])
        elif action.get("garbage") == "truncated":
            self.gateway.finish(self.entry, "truncated")
            connection.send_raw(response.to_bytes(self.request.method)[:-max(1, len(response.body) // 2)], close=True)
        else:
            self.gateway.finish(self.entry, response.status)
            connection.send(response, self.request)
