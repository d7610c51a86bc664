"""Which request does what. What is not a job answers at once; what is one answers with its number."""

import json
import re
from urllib.parse import parse_qs

from frappe_agent import errors, reading
from frappe_agent.errors import AgentError

PREFIX = re.compile(r"^(/[^/]+:\d+)?/agent(?=/)")


class Call:
    """One request as a handler sees it."""

    def __init__(self, agent, request, ghost):
        self.agent, self.request, self.ghost = agent, request, ghost
        self.query = {key: values[-1] for key, values in parse_qs(request.query).items()}
        self.key = request.headers.get("x-agent-job-id")
        self.effect = None
        self.status, self.headers = 200, ()

    def bench(self, name):
        if name not in self.agent.benches:
            raise errors.no_bench(name)
        return self.agent.benches[name]

    def site(self, bench, name):
        site = self.bench(bench).sites().get(name)
        if site is None:
            raise errors.no_site(name, bench)
        return site

    def data(self, source='    data["%s"],'):
        """The JSON of the body, which most handlers want even when they need nothing of it."""
        if "json" not in self.request.headers.get("content-type", ""):
            raise errors.no_json()
        try:
            data = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise errors.no_json() from None
        if not isinstance(data, dict):
            raise errors.python("AttributeError", "'%s' object has no attribute 'get'" % type(data).__name__)
        return Body(data, source)

    def submit(self, title, args=(), kwargs=None, bench=None, site=None):
        job = self.agent.submit(title, self.key, self.timeout(), args, kwargs, bench, site, self.ghost)
        self.effect = "submitted %s %d" % (title, job.id)
        return {"job": job.id}

    def timeout(self):
        try:
            return json.loads(self.request.body).get("agent_job_timeout")
        except (ValueError, AttributeError, RecursionError):
            return None


class Body(dict):
    """A key that is not there is a KeyError in the handler's source."""

    def __init__(self, data, source):
        super().__init__(data)
        self.source = source

    def __missing__(self, key):
        raise errors.key_error(key, self.source % key if "%s" in self.source else self.source, "data", '["%s"]' % key)


# -- sites

def new_site(call, bench):
    call.bench(bench)
    data = call.data()
    args = [data["name"], data["config"], data["apps"], data["mariadb_root_password"], data["admin_password"]]
    return call.submit("New Site", args, {"create_user": data.get("create_user")}, bench, data["name"])


def new_site_from_backup(call, bench):
    call.bench(bench)
    data = call.data()
    args = [data["name"], data["config"], data["apps"], data["mariadb_root_password"], data["admin_password"], data["site_config"],
            data["database"], data.get("public"), data.get("private"), data.get("skip_failing_patches", False)]
    return call.submit("New Site from Backup", args, {}, bench, data["name"])


def archive_site(call, bench, site):
    """Whether there is such a site is not looked at."""
    call.bench(bench)
    data = call.data('    .archive_site(site, data["mariadb_root_password"], data.get("force"), data.get("offsite", {}))')
    args = [site, data["mariadb_root_password"], data.get("force"), data.get("offsite", {})]
    return call.submit("Archive Site", args, {}, bench, site)


# Jobs of an existing site: the title, and what of the body becomes arguments and keyword arguments.
SITE_JOBS = {
    ("POST", "backup"): ("Backup Site", lambda data: [
        data.get("with_files", False), data.get("offsite"), data.get("keep_files_locally_after_offsite_backup", False), data.get("stream", False)]),
    ("POST", "create-user"): ("Create User", lambda data: [data["email"], data["first_name"], data["last_name"], data.get("password")]),
    ("POST", "complete-setup-wizard"): ("Complete Setup Wizard", lambda data: [dict(data)]),
    ("POST", "domains"): ("Add Domain", lambda data: [data["domain"]]),
    ("DELETE", "domains/<item>"): ("Remove Domain", lambda data, item: [item]),
    ("POST", "apps"): ("Install App on Site", lambda data: [data["name"]]),
    ("DELETE", "apps/<item>"): ("Uninstall App on Site", lambda data, item: [item, data.get("offsite")]),
    ("POST", "config"): ("Update Site Configuration", lambda data: [data["config"], data["remove"]]),
    ("POST", "rename"): ("Rename Site", lambda data: [data["new_name"], data.get("create_user"), data.get("config")]),
    ("POST", "run_after_migrate_steps"): ("Run After Migrate Steps", lambda data: [data["admin_password"]]),
    ("POST", "reinstall"): ("Reinstall Site", lambda data: [data["mariadb_root_password"], data["admin_password"]]),
    ("POST", "migrate"): ("Migrate Site", lambda data: [data.get("skip_failing_patches", False), data.get("activate", True)]),
    ("POST", "activate"): ("Activate Site", lambda data: []),
    ("POST", "deactivate"): ("Deactivate Site", lambda data: []),
    ("POST", "restore"): ("Restore Site", lambda data: [
        data["apps"], data["mariadb_root_password"], data["admin_password"], data["database"], data.get("public"), data.get("private"),
        data.get("skip_failing_patches", False)]),
}


def site_job(title, arguments):
    def handler(call, bench, site, **item):
        call.site(bench, site)
        return call.submit(title, arguments(call.data(), **item), {}, bench, site)
    return handler


# -- proxy and server

PROXY_JOBS = {
    ("POST", "upstreams/<address>/sites"): ("Add Site to Upstream", lambda data, address: [address, data["name"]]),
    ("DELETE", "upstreams/<address>/sites/<site>"): ("Remove Site from Upstream", lambda data, address, site: [
        address, site, data.get("extra_domains", [])]),
    ("POST", "upstreams/<address>/domains"): ("Add Domain to Upstream", lambda data, address: [address, data["domain"]]),
    ("POST", "upstreams/<address>/sites/<site>/status"): ("Update Site Status", lambda data, address, site: [
        address, site, data["status"], data.get("extra_domains", [])]),
    ("POST", "hosts"): ("Add Host to Proxy", lambda data: [data["name"], data["target"], data["certificate"]]),
}


def proxy_job(title, arguments):
    return lambda call, **path: call.submit(title, arguments(call.data(), **path), {}, None, path.get("site"))


def archive_bench(call, bench):
    call.bench(bench)
    return call.submit("Archive Bench", (), {}, bench)


def change_token(call):
    call.agent.token = call.data()["token"]
    return {"message": "Success"}


def cancel(call, number):
    agent = call.agent
    job = agent.jobs.find(int(number))
    stopped = job.in_redis == "started"
    agent.workers.cancel(job, agent.now(job))
    call.effect = "cancelled %d" % job.id
    shown = job.show()
    return dict(shown, duration=str(job.duration)) if stopped else shown     # not yet read back from the table


# -- the table

def compile_route(method, pattern, handler):
    names = r"\d+" if pattern.startswith("/jobs/<number>") else "[^/]+"
    return method, re.compile(re.sub(r"<(\w+)>", lambda name: "(?P<%s>%s)" % (name[1], names), pattern)), handler


SITE = "/benches/<bench>/sites/<site>"
ROUTES = [compile_route(*route) for route in [
    ("POST", "/ping_job", lambda call: call.submit("Ping Job")),
    ("POST", "/benches/<bench>/sites", new_site), ("POST", "/benches/<bench>/sites/restore", new_site_from_backup),
    ("POST", "/benches/<bench>/archive", archive_bench), ("POST", SITE + "/archive", archive_site),
    ("POST", "/authentication", change_token), ("POST", "/jobs/<number>/cancel", cancel),
    *[(method, path, handler) for (method, path), handler in reading.ROUTES.items()],
    *[(method, SITE + "/" + path, site_job(*job)) for (method, path), job in SITE_JOBS.items()],
    *[(method, "/proxy/" + path, proxy_job(*job)) for (method, path), job in PROXY_JOBS.items()],
]]


def strip_prefix(path):
    """What nginx takes away: /agent, and before it the name of a server that is reached through a proxy."""
    return PREFIX.sub("", path)


def find_route(method, path):
    known = False
    for wanted, pattern, handler in ROUTES:
        found = pattern.fullmatch(path)
        if found and wanted == method:
            return handler, found.groupdict()
        known = known or bool(found)
    raise errors.wrong_method() if known else errors.no_route()


def answer(agent, request, ghost=False):
    """The response and what it did."""
    call = Call(agent, request, ghost)
    try:
        handler, path = find_route(request.method, strip_prefix(request.path))
        body = handler(call, **path)
        return errors.answer(call.status, body, call.headers), call.effect
    except AgentError as error:
        return errors.answer(error.status, error.body), call.effect
    except Exception as error:          # a stand-in that dies would hide the cause from the test
        wrong = errors.python(type(error).__name__, error)
        return errors.answer(wrong.status, wrong.body), call.effect
