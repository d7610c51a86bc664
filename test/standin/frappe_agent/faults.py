"""The faults that only Agent has: a submit that leaves a ghost, and what can happen to a job."""

import re

from common.faults import BadFault, Fault, RequestFault

DEEDS = {"kill", "stuck", "fail", "never_start", "output", "output_bytes", "repeat_step", "hide_step", "whole_seconds", "step_ms"}


class AgentFault(RequestFault):
    action_keys = RequestFault.action_keys | {"ghost"}


class JobFault(Fault):
    """Strikes a job when it is submitted, and stays with it."""
    match_keys = Fault.match_keys | {"job", "bench", "site", "key_regex"}
    action_keys = DEEDS | {"at", "after"}

    def __init__(self, description, seed):
        super().__init__(description, seed)
        self.key = re.compile(self.match.get("key_regex", ""))
        if not DEEDS & set(self.action):
            raise BadFault("a fault of a job needs one of " + ", ".join(sorted(DEEDS)))

    def matches(self, job):
        wanted = {"job": job.name, "bench": job.bench, "site": job.site}
        return all(self.match.get(name, value) == value for name, value in wanted.items()) and self.key.search(job.key or "") is not None


def fault_class(description):
    action, match = description.get("action", {}), description.get("match", {})
    is_for_job = (DEEDS | {"at", "after"}) & set(action) or (JobFault.match_keys - AgentFault.match_keys) & set(match)
    return JobFault if is_for_job else AgentFault
