"""The faults that only Agent has: a submit that leaves a ghost, and what can happen to a job."""

from common import job_faults
from common.faults import RequestFault


class AgentFault(RequestFault):
    action_keys = RequestFault.action_keys | {"ghost"}


class JobFault(job_faults.JobFault):
    deeds = {"kill", "stuck", "fail", "never_start", "output", "output_bytes", "repeat_step", "hide_step", "whole_seconds", "step_ms"}
