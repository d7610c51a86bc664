"""From a parsed request to an answer: refusal, fault, delay, effect, log. What a server does is added by its own class."""

import asyncio

from common import control
from common.faults import BadFault, Faults, RequestFault
from common.http_server import encode


class Exchange:
    """One request on its way through effect and answer."""

    def __init__(self, gateway, place, request, connection, entry, fault):
        self.gateway, self.place, self.request, self.connection = gateway, place, request, connection
        self.entry, self.fault = entry, fault
        self.action = fault.action if fault else {}

    def carry_out(self):
        response = None
        if self.fault is None or self.fault.has_effect():
            response = self.effect()
        if self.fault:
            self.fault.arm()
        late = self.action.get("delay_after_ms")
        if self.fault and self.fault.holds("after"):
            self.fault.held.append(lambda: self.reply(response))
        elif late:
            self.gateway.later(late / 1000, lambda: self.reply(response))
        else:
            self.reply(response)

    def effect(self):
        """Changes what the server keeps; the answer to it."""
        raise NotImplementedError

    def reply(self, response):
        action, connection, method = self.action, self.connection, self.request.method
        if self.fault:
            self.entry["fault"] = self.fault.number
            response = self.fault.answer(self.request, response)
        if action.get("hang"):
            self.finish("hung")
        elif action.get("drop"):
            self.finish("dropped")
            connection.drop()
        elif "reset" in action:
            self.finish("reset")
            connection.reset(response.to_bytes(method)[:int(action["reset"])])
        elif "trickle" in action:
            self.finish("trickled")
            connection.trickle(response.to_bytes(method, close=True), action["trickle"]["bytes"], action["trickle"]["ms"] / 1000)
        elif action.get("garbage") == "truncated":
            self.finish("truncated")
            connection.send_raw(response.to_bytes(method)[:-max(1, len(response.body) // 2)], close=True)
        else:
            self.finish(response.status)
            connection.send(response, self.request)

    def finish(self, status):
        self.gateway.finish(self.entry, status)


class Gateway:
    exchange = Exchange             # the class of an exchange
    fault = RequestFault            # the class of the faults of requests
    job_fault = None                # and that of the faults of jobs, where there are jobs
    mode_at_start = {}              # what `POST mode` may change

    def __init__(self, options, journal, control_routes):
        self.options = options
        self.journal = journal
        self.control_routes = control.ROUTES | control_routes
        self.faults = Faults(options.seed, self.fault_class)
        self.log_file = open(options.log, "a", encoding="utf-8") if options.log else None
        self.server = None          # the HttpServer, once it listens
        self.mode = {}
        self.reset()

    def reset(self):
        """As it was at the start: nothing logged, no fault, no mode."""
        self.journal.reset()
        self.faults.active = []
        self.mode = dict(self.mode_at_start)

    def later(self, seconds, work):
        return asyncio.get_running_loop().call_later(seconds, work)

    def receive(self, request, connection):
        if request.path.startswith("/_standin/"):
            connection.send(control.answer(self, request), request)
            return
        name, place = self.find_place(request)
        entry = self.journal.open(request, name, self.user_name(place, request))
        refusal = self.refusal(request, name, place)
        if refusal is not None:
            self.finish(entry, refusal.status)
            connection.send(refusal, request)
            return
        fault = self.faults.find(self.fault, request, name, entry["user"]) if self.faults.active else None
        exchange = self.exchange(self, place, request, connection, entry, fault)
        delay = self.delay_of(request) + (fault.action.get("delay_ms", 0) / 1000 if fault else 0)
        # The effect happens when the time is up, whether or not the client is still there.
        if fault and fault.holds("before"):
            fault.held.append(exchange.carry_out)
        elif delay:
            self.later(delay, exchange.carry_out)
        else:
            exchange.carry_out()

    def finish(self, entry, status):
        self.journal.close(entry, status)
        if self.log_file:
            self.log_file.write(encode(entry) + "\n")
            self.log_file.flush()

    def fault_class(self, description):
        if self.job_fault is not None and self.job_fault.is_meant(description, self.fault):
            return self.job_fault
        return self.fault

    # -- what differs from server to server

    def find_place(self, request):
        """The name and the state of what the request is for: a site, a server. The state may be None."""
        raise NotImplementedError

    def user_name(self, place, request):
        return None

    def refusal(self, request, name, place):
        """An answer given before faults, delays and effect are thought of; None to go on."""
        return None

    def delay_of(self, request):
        """How long the real work would take, in seconds."""
        return 0

    def set_mode(self, changes):
        unknown = set(changes) - set(self.mode)
        if unknown:
            raise BadFault("unknown mode " + ", ".join(sorted(unknown)))
        self.mode.update(changes)
        return self.mode

    def inventory(self):
        """By place: what was created and deleted, and what more than once."""
        raise NotImplementedError
