"""Press's own view of jobs: all steps are there from the start, and a site is what its jobs have come to."""

import datetime

from common.job_faults import JobFault

STEPS = {
    "New Site": ("New Site", "Install Apps", "Update Site Configuration", "Enable Scheduler", "Bench Setup NGINX", "Reload NGINX"),
    "Add Site to Upstream": ("Remove Conflicting Site", "Add Site File to Upstream Directory", "Reload NGINX"),
    "Archive Site": ("Backup Site", "Upload Site Backup to S3", "Archive Site", "Bench Setup NGINX"),
    "Remove Site from Upstream": ("Remove Site File from Upstream Directory", "Reload NGINX"),
    "Backup Site": ("Backup Site", "Upload Site Backup to S3"),
    "Deploy Bench": ("Deploying Bench", "Bench Deployed", "Creating Site"),
}
FINAL = ("Success", "Failure")


class PressJobFault(JobFault):
    deeds = {"fail", "stuck", "step_ms", "never_start", "lost"}


def now():
    return datetime.datetime.now().isoformat(" ")


class Job:
    """Each tick ends one step and begins the next; `ended` is told how it went."""
    bench = key = None          # Press's callers know neither

    def __init__(self, number, name, site, ended):
        self.id, self.name, self.site, self.ended = number, name, site, ended
        self.status, self.creation = "Pending", now()
        self.start = self.end = None
        self.steps = [{"step_name": step, "status": "Pending", "start": None, "end": None, "duration": None, "output": ""} for step in STEPS[name]]
        self.fault = None
        self.lost = False           # nobody knows it any more
        self.timed = False          # a tick by the clock is to come

    def action(self):
        """What the fault does to the step that runs or is next."""
        fault = self.fault.action if self.fault else {}
        step = self.current_step()
        return fault if fault.get("at") in (None, step["step_name"]) else {}

    def current_step(self):
        return next(step for step in self.steps if step["status"] in ("Pending", "Running"))

    def tick(self):
        step = self.current_step()
        if "never_start" in self.action():
            return
        if step["status"] == "Pending":
            self.status, self.start = "Running", self.start or now()
            step.update(status="Running", start=now())
        elif "fail" in self.action():
            self.finish(step, "Failure", self.action()["fail"])
        elif "stuck" not in self.action():
            self.finish(step, "Success")

    def finish(self, step, status, output=""):
        step.update(status=status, end=now(), duration="0:00:01", output=output if isinstance(output, str) else output.get("output", ""))
        waiting = [other for other in self.steps if other["status"] == "Pending"]
        if status == "Failure":
            for other in waiting:
                other["status"] = "Skipped"
        elif waiting:
            waiting[0].update(status="Running", start=now())
            return
        self.status, self.end = status, now()
        self.ended(self)

    def summary(self):
        """As lists have it."""
        return {"name": self.id, "job_type": self.name, "creation": self.creation, "status": self.status, "start": self.start,
                "end": self.end, "duration": "0:00:01" if self.end else None}

    def show(self):
        return dict(self.summary(), steps=self.steps)
