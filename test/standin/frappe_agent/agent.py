"""One server's Agent: what it keeps, and how a job gets into it."""

import asyncio
import collections
import datetime
import urllib.parse

from frappe_agent import errors
from frappe_agent.benches import Bench, Proxy
from frappe_agent.faults import JobFault
from frappe_agent.jobs import JobTable
from frappe_agent.kinds import KINDS
from frappe_agent.workers import Workers

DEFAULT_TIMEOUT, MAX_TIMEOUT = 14400, 86400
CALLBACK_PATH = "/api/method/press.api.callbacks.callback"
CALLBACK_SECONDS = 5
REDIS_PORT = 25925


class Agent:
    def __init__(self, options, mode, faults, journal, later):
        self.options, self.mode, self.faults, self.journal, self.later = options, mode, faults, journal, later
        self.name, self.token = options.name, options.token
        self.benches = {name: Bench(name) for name in options.bench}
        self.proxy = Proxy()
        self.jobs = JobTable()
        self.workers = Workers(self)
        self.backups_running = {}       # bench and site → how many at this moment
        self.overlapping_backups = 0
        self.started = collections.Counter()
        self.tasks = set()              # keeps those calls alive
        self.callbacks = []             # what became of each call of the address that wants to know

    def now(self, job=None):
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        whole = self.mode["whole_seconds"] or job and job.fault and job.fault.action.get("whole_seconds")
        return now.replace(microsecond=0) if whole else now

    # -- jobs

    def submit(self, title, key, timeout, args=(), kwargs=None, bench=None, site=None, ghost=False):
        """The row is written first; without redis it stays a ghost."""
        job = self.jobs.add(key, KINDS[title], bench, site, list(args), kwargs or {})
        job.fault = self.faults.find(JobFault, job)
        job.enqueue = self.now(job)
        job.timeout = timeout if isinstance(timeout, int) and 0 <= timeout <= MAX_TIMEOUT else DEFAULT_TIMEOUT
        if ghost or self.mode["redis_down"]:
            self.journal.created(self.name, "Ghost", key or "")
            raise errors.redis_refuses(REDIS_PORT)
        self.journal.created(self.name, "Submit" if key else "Submit without key", key or title)
        self.workers.enqueue(job)
        return job

    def restart(self, history):
        """Web, workers and redis; the sites on the disk stay."""
        self.workers.kill_all()
        if history == "lost":
            self.workers.forget()
            self.jobs.lose()

    def call_back(self, job):
        """Tells the configured address that a job is over; what it answers changes nothing."""
        if self.options.press_url:
            task = asyncio.get_running_loop().create_task(self.post_callback(job.id))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def post_callback(self, number):
        url = urllib.parse.urlsplit(self.options.press_url)
        body = "job_id=%d" % number
        head = ("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: python-requests/2.28.1\r\nConnection: close\r\nContent-Length: %d\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\n" % (url.path.rstrip("/") + CALLBACK_PATH, url.netloc, len(body)))
        try:
            line = await asyncio.wait_for(self.exchange(url, head + body), CALLBACK_SECONDS)
            outcome = line.decode("latin-1").split(" ")[1]
        except (OSError, IndexError, asyncio.TimeoutError) as error:
            outcome = type(error).__name__
        self.callbacks.append({"job_id": number, "outcome": outcome})

    async def exchange(self, url, text):
        reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
        try:
            writer.write(text.encode())
            return await reader.readline()
        finally:
            writer.close()

    # -- what tests count

    def count_started(self, job):
        self.started[job.name] += 1

    def count_created(self, kind, job, name=None):
        self.journal.created(self.name, kind, self.thing(job, name))

    def count_deleted(self, kind, job, name=None):
        self.journal.deleted(self.name, kind, self.thing(job, name))

    def thing(self, job, name):
        return "/".join(part for part in (job.bench, job.site, name) if part)

    def count_backup(self, job, change):
        place = (job.bench, job.site)
        running = self.backups_running[place] = self.backups_running.get(place, 0) + change
        self.overlapping_backups += change > 0 and running > 1

    def inventory(self):
        sites = {"%s/%s" % (bench.name, name): site.describe() for bench in self.benches.values() for name, site in bench.directories.items()}
        return dict(self.journal.counts_of(self.name), more_than_once=self.journal.more_than_once(self.name), sites=sites,
                    started=dict(self.started), overlapping_backups=self.overlapping_backups, proxy=self.proxy.describe(), callbacks=self.callbacks)
