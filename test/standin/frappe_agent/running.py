"""What a job is made of while it runs: steps and commands. Every `yield` is a moment in which somebody may look, or time may pass."""

import inspect
import random
import shlex
import string

DOCKER = "docker exec  -w /home/frappe/frappe-bench  %s "
AGENT_FOLDER = "/home/frappe/agent"


class CommandFailed(Exception):
    """The record of the command is what step and job keep of it."""

    def __init__(self, record):
        super().__init__(record["command"])
        self.data = record


class PythonFailed(Exception):
    """The text is all that is kept."""

    def __init__(self, text):
        super().__init__(text)
        self.data = {"traceback": text}


def failure_data(error):
    if isinstance(error, (CommandFailed, PythonFailed)):
        return error.data
    return {"traceback": "Traceback (most recent call last):\n  ...\n%s: %s\n" % (type(error).__name__, error)}


class Run:
    """One job at work."""

    def __init__(self, agent, job):
        self.agent, self.job = agent, job
        self.bench = agent.benches.get(job.bench)
        self.action = job.fault.action if job.fault else {}
        self.current = None         # the step that runs
        self.random = random.Random("%s %s %s" % (agent.options.seed, job.id, job.key))

    @property
    def site(self):
        site = self.bench.sites().get(self.job.site)
        if site is None:
            raise PythonFailed("Traceback (most recent call last):\n  ...\nagent.exceptions.SiteNotExistsException: Site %s does not exist on bench %s\n"
                               % (self.job.site, self.bench.name))
        return site

    def password(self):
        return "".join(self.random.choice(string.ascii_letters + string.digits) for _ in range(16))

    def now(self):
        return self.agent.now(self.job)

    # -- steps

    def step(self, name, work):
        """Runs `work`, a function that returns what the step keeps, or the generator that does."""
        self.current = step = self.agent.jobs.add_step(self.job, name, self.now())
        try:
            data = work()
            if inspect.isgenerator(data):
                data = yield from data
            else:
                yield
                self.fail_here()
        except Exception as error:      # not GeneratorExit: who is killed writes nothing any more
            step.finish(self.now(), "Failure", failure_data(error))
            raise
        step.finish(self.now(), "Success", data or {})
        if self.action.get("repeat_step") and self.is_here():
            again = self.agent.jobs.add_step(self.job, name, step.start)
            again.finish(step.end, "Success", step.data)
        self.current = None
        return data

    def is_here(self):
        """Whether the job's fault is meant for the step that runs."""
        return bool(self.action) and self.action.get("at") in (None, self.current.name if self.current else None)

    def fail_here(self):
        failure = self.action.get("fail")
        if failure is not None and self.is_here():
            raise PythonFailed(failure.get("traceback", "Traceback (most recent call last):\n  ...\nRuntimeError: %s\n" % failure.get("output", "")))

    # -- commands

    def start_command(self, command, folder):
        record = {"command": command, "directory": folder or self.bench.folder, "output": "", "start": str(self.now()), "status": "Running"}
        (self.current or self.job).commands[:] = [record]       # only the latest is kept
        return record, self.now()

    def end_command(self, record, began, output, returncode):
        now = self.now()
        record.update(output=output, end=str(now), duration=str(now - began), returncode=returncode, status="Failure" if returncode else "Success")
        if returncode:
            record["traceback"] = ("Traceback (most recent call last):\n  ...\nsubprocess.CalledProcessError: Command '%s' returned non-zero exit"
                                   " status %d.\n" % (record["command"], returncode))
            raise CommandFailed(record)
        return record

    def quick(self, command, output="", returncode=0, folder=None):
        """A command nobody sees running."""
        record, began = self.start_command(command, folder)
        return self.end_command(record, began, output, returncode)

    def command(self, command, output="", growing=("",), folder=None, returncode=0):
        """A command whose output is seen growing; the one that a fault of its step makes fail."""
        record, began = self.start_command(command, folder)
        for record["output"] in growing:
            yield
        if self.is_here():
            output, returncode = self.faulty(output, returncode)
        return self.end_command(record, began, output, returncode)

    def faulty(self, output, returncode):
        failure = self.action.get("fail")
        if failure is not None:
            if "traceback" in failure:
                raise PythonFailed(failure["traceback"])
            output, returncode = failure.get("output", "the test wants this to fail"), failure.get("returncode", 1)
        output = self.action.get("output", output)
        return output + "x" * self.action.get("output_bytes", 0), returncode

    def bench_command(self, command, *more, **options):
        return self.command(DOCKER % self.bench.name + "bench " + command, *more, **options)

    def site_command(self, command, *more, **options):
        return self.bench_command("--site %s %s" % (self.job.site, command), *more, **options)

    def sudo(self, command):
        return self.quick("sudo " + command, folder=AGENT_FOLDER)

    # -- the database

    def mysql(self, statement, root_password):
        """As root; on a password that is wrong, or without a database, the command fails."""
        command = 'mysql -h 127.0.0.1 -P 3306 -uroot -p%s -e "%s"' % (root_password, statement)
        if self.agent.mode["database_down"]:
            return self.quick(command, "ERROR 2002 (HY000): Can't connect to server on '127.0.0.1' (115)", 1)
        if root_password != self.agent.options.root_password:
            return self.quick(command, "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)", 1)
        return self.quick(command)

    def as_limited_user(self, site, root_password, command):
        """Runs what `command` returns for a user that lives as long as that; the user goes, whatever came of it."""
        user, password = site.db_name + "_limited", self.password()
        self.mysql("CREATE OR REPLACE USER '%s'@'%%' IDENTIFIED BY '%s'" % (user, password), root_password)
        try:
            record = yield from command(user, password)
        except CommandFailed:
            self.mysql("FLUSH PRIVILEGES", root_password)
            raise
        self.mysql("FLUSH PRIVILEGES", root_password)
        return record


def quote(text):
    return shlex.quote(str(text))
