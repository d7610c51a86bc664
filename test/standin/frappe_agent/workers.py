"""The worker processes: which job is next, how time passes for it, and how it ends."""

import collections

from frappe_agent.running import PythonFailed, Run, failure_data

QUEUES = {"workers": ("high", "default", "low"), "backup_workers": ("backup", "high", "default", "low")}


class Workers:
    """A job's work is a generator; each moment of it is a tick. Ticks come by the clock, or by hand in the mode "manual"."""

    def __init__(self, agent):
        self.agent = agent
        self.queues = collections.defaultdict(collections.deque)
        self.busy = {kind: [] for kind in QUEUES}

    # -- starting

    def enqueue(self, job):
        job.in_redis = "queued"
        if job.fault and job.fault.action.get("never_start"):
            return
        self.queues[job.kind.queue].append(job)
        self.wake()

    def wake(self):
        """Something may be startable, a tick from now."""
        if not self.agent.mode["manual"]:
            self.agent.later(self.agent.mode["step_ms"] / 1000, self.start_jobs)

    def start_jobs(self):
        for kind, queues in QUEUES.items():
            while len(self.busy[kind]) < self.agent.mode[kind]:
                job = self.next_job(queues)
                if job is None:
                    break
                self.start(kind, job)

    def next_job(self, queues):
        if self.agent.mode["redis_down"]:
            return None
        for name in queues:
            if self.queues[name]:
                return self.queues[name].popleft()
        return None

    def start(self, kind, job):
        self.busy[kind].append(job)
        job.in_redis = "started"
        job.begin(self.agent.now(job))
        job.run = Run(self.agent, job)
        job.work = self.whole(job)
        self.agent.count_started(job)
        if job.timeout is not None:
            job.deadline = self.agent.later(job.timeout, lambda: self.time_out(job))
        self.advance(job)

    def whole(self, job):
        try:
            data = yield from job.kind.work(job.run, *job.args, **job.kwargs)
        except Exception as error:
            self.finish(job, "Failure", failure_data(error))
            return
        self.finish(job, "Success", data or {})
        while job.reloading > 0:
            yield
            job.reloading -= 1

    def finish(self, job, status, data):
        now = self.agent.now(job)
        job.finish(now, status, data)
        if job.reload_wanted and status == "Success":
            job.reloading = self.agent.mode["reload_ticks"]
        job.in_redis = job.in_redis and ("finished" if status == "Success" else "failed")

    # -- going on

    def advance(self, job, raising=None):
        """One tick of a job."""
        job.timer = None
        if job.work is None:
            return
        if raising is not None:
            over = self.moved(lambda: job.work.throw(raising))
        else:
            over = self.moved(lambda: next(job.work))
        if over:
            self.release(job)
        elif not self.struck(job) and not self.agent.mode["manual"]:
            self.go_on_later(job)

    def go_on_later(self, job):
        job.timer = self.agent.later(self.step_seconds(job), lambda: self.advance(job))

    def moved(self, move):
        try:
            move()
        except StopIteration:
            return True
        return False

    def step_seconds(self, job):
        action = job.fault.action if job.fault else {}
        return action.get("step_ms", self.agent.mode["step_ms"]) / 1000

    def struck(self, job):
        """Whether the job's fault ends its progress now."""
        action = job.fault.action if job.fault else {}
        if not ("kill" in action or "stuck" in action) or job.is_final() or not job.run.is_here():
            return False
        job.moments += 1
        if job.moments < action.get("after", 1):
            return False
        if "kill" in action:
            self.kill(job)
        return True

    def tick(self, job=None):
        """By hand: what waits starts, and what runs goes on by one moment."""
        running = [job] if job else [job for jobs in self.busy.values() for job in list(jobs)]
        self.start_jobs()
        for job in running:
            if not self.is_stuck(job):
                self.advance(job)

    def resume(self):
        """The mode may have changed: workers may be more, redis back, time running again or not."""
        self.wake()
        for job in [job for jobs in self.busy.values() for job in jobs]:
            if self.agent.mode["manual"]:
                self.stop_timer(job, "timer")
            elif job.timer is None and not self.is_stuck(job):
                self.go_on_later(job)

    def is_stuck(self, job):
        return job.fault is not None and "stuck" in job.fault.action and job.moments >= job.fault.action.get("after", 1)

    # -- ending

    def release(self, job):
        """The worker is free; Agent tells whoever wants to know."""
        killed = job.work is not None and not job.is_final()
        self.stop(job)
        for jobs in self.busy.values():
            if job in jobs:
                jobs.remove(job)
        if not killed:
            self.agent.call_back(job)
        self.wake()

    def stop(self, job):
        for name in ("timer", "deadline"):
            self.stop_timer(job, name)
        work, job.work = job.work, None
        if work is not None and not work.gi_running:
            work.close()

    def stop_timer(self, job, name):
        timer = getattr(job, name)
        if timer is not None:
            timer.cancel()
        setattr(job, name, None)

    def kill(self, job):
        """The process that does the job is gone: nothing is written, only redis knows."""
        if job.in_redis == "started":
            job.in_redis = "failed"
        self.release(job)

    def cancel(self, job, now):
        if job.in_redis == "queued":
            for queue in self.queues.values():
                if job in queue:
                    queue.remove(job)
            job.in_redis = "canceled"
        elif job.in_redis == "started":
            job.in_redis = "stopped"
            job.data = job.describe_in_redis(now)
            job.stop_clock(now)
            self.release(job)
        job.status = "Failure"

    def time_out(self, job):
        if job.work is not None:
            self.advance(job, PythonFailed("Traceback (most recent call last):\n  ...\nrq.timeouts.JobTimeoutException: Task exceeded maximum"
                                           " timeout value (%d seconds)\n" % job.timeout))

    def kill_all(self):
        for jobs in self.busy.values():
            for job in list(jobs):
                self.kill(job)

    def forget(self):
        """Redis lost its data: nobody knows what waited, nor any output."""
        self.queues.clear()
        for job in self.agent.jobs.rows.values():
            job.in_redis = None
            job.lose_commands()
