"""How ERPNext's requests get to their site, and what keeps them from it."""

import api
import control
import errors
from common import pages
from common.gateway import Exchange, Gateway
from common.http_server import Response
from faults import ErpnextFault
from fixtures import make_site
from inventory import DocumentJournal
from permissions import authenticate
from races import Race


class ErpnextExchange(Exchange):
    def __init__(self, gateway, site, request, connection, entry, fault):
        super().__init__(gateway, site, request, connection, entry, fault)
        self.race = Race(site, request) if gateway.options.races else None

    def effect(self):
        """Change the site, unless a request that ran beside this one makes it fail."""
        site = self.place
        lost = self.race.lost() if self.race else None
        if lost is not None:
            return api.error_response(site, self.request, lost)
        if self.action.get("half_made_company"):
            site.in_flight["half made company"] = True
        site.in_flight["blind to prices"] = bool(self.race and self.race.sees_too_little())
        outcome = api.answer(site, self.request)
        site.in_flight.pop("half made company", None)
        if self.race:
            self.race.won(outcome.response.status < 300)
        self.entry["effect"] = outcome.effect
        self.gateway.journal.count(site, outcome)
        if self.action.get("half_made_company") and outcome.effect:
            return Response(500, pages.INTERNAL_ERROR, "text/html")
        return outcome.response

    def reply(self, response):
        if self.race:
            self.race.leave()
        super().reply(response)


class ErpnextGateway(Gateway):
    exchange = ErpnextExchange
    fault = ErpnextFault
    mode_at_start = {"maintenance": False, "allow_reads": False, "database_down": False, "rate_limit": None}

    def __init__(self, options):
        self.sites = {}
        super().__init__(options, DocumentJournal(options.log_limit), control.ROUTES)

    def reset(self):
        """Every site as it was at the start, too."""
        super().reset()
        self.sites = {name: make_site(name, state, self.options) for name, state in self.options.sites.items()}
        for site in self.sites.values():
            site.schedule, site.job_seconds, site.tell = self.later, self.options.job_ms / 1000, self.journal.tell

    def set_mode(self, changes):
        """"tracebacks" is a setting of every site."""
        tracebacks = changes.pop("tracebacks", None)
        if tracebacks is not None:
            for site in self.sites.values():
                settings = site.single("System Settings")
                site.put(dict(settings, allow_error_traceback=int(bool(tracebacks))))
        return super().set_mode(changes)

    def inventory(self):
        return self.journal.inventory(self.sites)

    def find_place(self, request):
        host = request.headers.get("x-frappe-site-name") or request.headers.get("host", "").rpartition(":")[0] \
            or request.headers.get("host", "")
        site = self.sites.get(host)
        if site is None and not self.options.strict_host and len(self.sites) == 1 and host in ("127.0.0.1", "localhost"):
            site = next(iter(self.sites.values()))
            host = site.name
        return host, site

    def user_name(self, site, request):
        try:
            return authenticate(site, request.headers).name if site else None
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
