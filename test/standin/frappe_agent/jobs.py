"""The table of jobs and steps, as Agent shows it. Every status has two sources: the row, and what redis knows of the job."""

import datetime
import itertools
import pickle
import zlib

from frappe_agent import errors

FINAL = ("Success", "Failure")
STATUS_IN_REDIS = {"finished": "Success", "failed": "Failure", "stopped": "Failure", "canceled": "Failure", "started": "Running",
                   "queued": "Pending"}
LISTED = 100        # jobs in a list
IN_LIST = ("id", "name", "status", "agent_job_id", "start", "end")
IN_STATUS_LIST = ("agent_job_id", "data", "duration", "end", "enqueue", "id", "name", "start", "status")


def text_of(moment):
    """Without a fraction when it is exactly 0, as Python writes it."""
    return None if moment is None else str(moment)


def clock_text(duration):
    return None if duration is None else str((datetime.datetime.min + duration).time())


class Timed:
    """What a job and a step share."""

    def __init__(self, number, name):
        self.id, self.name = number, name
        self.status = "Pending"
        self.start = self.end = self.duration = None
        self.data = {}
        self.commands = []

    def begin(self, moment):
        self.status, self.start = "Running", moment

    def finish(self, moment, status, data):
        self.status, self.data = status, data
        self.stop_clock(moment)

    def stop_clock(self, moment):
        self.end = moment
        self.duration = moment - self.start

    def show(self):
        return {"id": self.id, "name": self.name, "status": self.status, "start": text_of(self.start), "end": text_of(self.end),
                "duration": clock_text(self.duration), "data": self.data, "commands": self.commands}


class Job(Timed):
    def __init__(self, number, kind, bench, site, args, kwargs):
        super().__init__(number, kind.title)
        self.kind, self.bench, self.site = kind, bench, site
        self.args, self.kwargs = args, kwargs
        self.data = {"function": kind.function, "args": args, "kwargs": kwargs}
        self.key = None             # X-Agent-Job-Id
        self.enqueue = None
        self.timeout = None
        self.steps = []
        self.in_redis = None        # the status there; None when redis does not know the job
        self.reload_wanted = False  # nginx of a proxy reloads after the job
        self.reloading = 0          # ticks until nginx has confirmed
        self.fault = None           # the JobFault that struck it
        self.run = self.work = None         # what does it, while it runs
        self.moments = 0            # ticks spent where the fault is to strike
        self.timer = self.deadline = None

    def lose_commands(self):
        for timed in (self, *self.steps):
            timed.commands = []

    def describe_in_redis(self, now):
        """What RQ keeps of a job; its pickled arguments, passwords and all, come as text."""
        call = "%s(%s)" % (self.kind.function, ", ".join(
            [repr(value) for value in self.args] + ["%s=%r" % pair for pair in self.kwargs.items()]))
        enqueue, start = (moment.isoformat() + "Z" for moment in (self.enqueue, self.start))
        return {"created_at": enqueue, "data": str(zlib.compress(pickle.dumps((self.kind.function, None, self.args, self.kwargs)))),
                "description": call, "ended_at": "", "enqueued_at": enqueue, "failure_callback_name": "agent.callbacks.callback",
                "last_heartbeat": start, "origin": self.kind.queue, "result_ttl": 86400, "started_at": start, "status": "started",
                "success_callback_name": "agent.callbacks.callback", "timeout": self.timeout, "worker_name": "%032x" % self.id}

    def is_final(self):
        return self.status in FINAL

    def shown_status(self):
        if self.reloading:
            return "Running"
        return self.status if self.is_final() else STATUS_IN_REDIS.get(self.in_redis, self.status)

    def show(self):
        hidden = self.fault.action.get("hide_step") if self.fault else None
        steps = [step.show() for step in self.steps if step.name != hidden]
        if self.reloading:
            steps[-1]["status"] = "Running"
        return dict(super().show(), agent_job_id=self.key, enqueue=text_of(self.enqueue), status=self.shown_status(), steps=steps)

    def show_in_list(self):
        """The row as it is: redis is not asked."""
        row = dict(Timed.show(self), agent_job_id=self.key)
        return {name: row[name] for name in IN_LIST}


class JobTable:
    def __init__(self):
        self.lose()

    def lose(self):
        """A new, empty database: numbers start again."""
        self.rows = {}
        self.by_key = {}
        self.numbers = itertools.count(1)
        self.step_numbers = itertools.count(1)

    def add(self, key, kind, bench, site, args, kwargs):
        job = Job(next(self.numbers), kind, bench, site, args, kwargs)
        job.key = key
        self.rows[job.id] = job
        self.by_key.setdefault(key, []).append(job)
        return job

    def add_step(self, job, name, moment):
        step = Timed(next(self.step_numbers), name)
        step.begin(moment)
        job.steps.append(step)
        return step

    def find(self, number):
        if number not in self.rows:
            raise errors.no_job("id", number)
        return self.rows[number]

    def find_key(self, key):
        if key not in self.by_key:
            raise errors.no_job("agent_job_id", key)
        return self.by_key[key][0]

    def newest(self):
        return list(itertools.islice(reversed(self.rows.values()), LISTED))

    def with_status(self, status):
        """Of each row only number and name are filled in."""
        empty = dict.fromkeys(IN_STATUS_LIST)
        return [dict(empty, id=job.id, name=job.name) for job in self.rows.values() if job.status == status]
