"""How requests get to the Agent, and what keeps them from it."""

import base64
import binascii

from common.gateway import Exchange, Gateway
from common.journal import Journal
from frappe_agent import control, errors, faults, routes
from frappe_agent.agent import Agent

OPEN_PATH = "/benches/metrics"


class AgentExchange(Exchange):
    def effect(self):
        response, self.entry["effect"] = routes.answer(self.place, self.request, bool(self.action.get("ghost")))
        return response


class AgentGateway(Gateway):
    exchange = AgentExchange
    fault, job_fault = faults.AgentFault, faults.JobFault

    def __init__(self, options):
        self.agent = None
        self.mode_at_start = {
            "manual": options.manual, "step_ms": options.step_ms, "workers": options.workers, "backup_workers": options.backup_workers,
            "redis_down": False, "database_down": False, "whole_seconds": False, "reload_ticks": 1, "web": True, "rclone": False, "git": True,
            "apps_as_lines": False, "old_frappe": False}
        super().__init__(options, Journal(options.log_limit), control.ROUTES)

    def reset(self):
        """Another Agent, with no history and no sites; what the one before had to do is not done."""
        if self.agent is not None:
            self.agent.workers.forget()
            self.agent.workers.kill_all()
        super().reset()
        self.agent = Agent(self.options, self.mode, self.faults, self.journal, self.later)

    def set_mode(self, changes):
        result = super().set_mode(changes)
        self.agent.workers.resume()
        return result

    def inventory(self):
        return {self.agent.name: self.agent.inventory()}

    def find_place(self, request):
        return self.agent.name, self.agent

    def user_name(self, agent, request):
        return "agent" if is_allowed(agent, request) else None

    def refusal(self, request, name, agent):
        """The token is asked for before anything else, also where there is nothing."""
        if is_allowed(agent, request) or routes.strip_prefix(request.path) == OPEN_PATH:
            return None
        return errors.unauthenticated()

    def delay_of(self, request):
        return (self.options.read_ms if request.method == "GET" else self.options.submit_ms) / 1000


def is_allowed(agent, request):
    """A bearer's token, or the password of anybody."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return given == agent.token
