"""Requests that only look: jobs, sites, benches, the server."""

import base64
import hashlib

from common import sessions
from frappe_agent import errors
from frappe_agent.agent import REDIS_PORT

SECRETS = ("access_token", "db_port", "redis_port")
ROUNDS = 29000


# -- jobs

def need_redis(call):
    if call.agent.mode["redis_down"]:
        raise errors.redis_refuses(REDIS_PORT)


def jobs(call):
    return [job.show_in_list() for job in call.agent.jobs.newest()]


def one_or_many_jobs(call, numbers):
    """A number gives one job, a list of them a list without those that do not exist, and 0 everything."""
    if numbers == "0":
        return jobs(call)
    need_redis(call)
    table = call.agent.jobs
    if numbers.isdecimal():
        return table.find(int(numbers)).show()
    wanted = sorted({int(number) for number in numbers.split(",") if number.isdecimal()})
    return [table.rows[number].show() for number in wanted if number in table.rows]


def jobs_with_status(call, status):
    return call.agent.jobs.with_status(status)


def keys(call):
    return [job.key for job in call.agent.jobs.newest()]


def jobs_with_key(call, key):
    """A key of digits gives one job, any other a list."""
    need_redis(call)
    table = call.agent.jobs
    if key.isdecimal():
        return table.find_key(key).show()
    found = [job for one in set(key.split(",")) for job in table.by_key.get(one, ())]
    return [job.show() for job in sorted(found, key=lambda job: job.id)]


# -- benches and sites

def benches(call):
    return {name: bench.dump() for name, bench in call.agent.benches.items()}


def bench(call, bench):
    return call.bench(bench).dump()


def bench_apps(call, bench):
    call.bench(bench)
    return {}


def bench_status(call, bench):
    return {"sites": {name: status_of(call, site) for name, site in call.bench(bench).sites().items()}, "timestamp": str(call.agent.now())}


def sites(call, bench):
    return call.bench(bench).dump()["sites"]


def site(call, bench, site):
    found = call.agent.benches.get(bench)
    source = "    return Server().benches[bench].sites[site].dump()"
    if found is None:
        raise errors.key_error(bench, source, "Server().benches", "[bench]")
    if site not in found.sites():
        raise errors.key_error(site, source, "Server().benches[bench].sites", "[site]")
    return {"name": site}


def site_apps(call, bench, site):
    apps = call.site(bench, site).apps
    if call.query.get("format") == "json":
        return {"data": apps}
    if call.agent.mode["apps_as_lines"]:
        return {"data": "\n".join("%-10s 15.0.0 version-15" % app for app in apps)}
    return {"data": "[%s]" % ", ".join('"%s"' % app for app in apps)}


def site_info(call, bench, site):
    found = call.site(bench, site)
    return {"data": {"config": found.config, "timezone": "Africa/Nairobi", "usage": {"backups": 1, "database": 50, "private": 1, "public": 1}}}


def status_of(call, site):
    web = call.agent.mode["web"] if site.web is None else site.web
    return {"scheduler": site.scheduler, "web": bool(web and not site.maintenance)}


def site_status(call, bench, site):
    return {"data": dict(status_of(call, call.site(bench, site)), timestamp=str(call.agent.now()))}


def site_session(call, bench, site):
    found = call.site(bench, site)
    user = call.data().get("user", "Administrator")
    return {"sid": call.agent.journal.tell(sessions.open_session(found.name, user))}


# -- the server

def ping(call):
    return {"message": "pong"}


def version(call):
    if call.agent.mode["git"]:
        return {"commit": "e08e637c", "status": "", "upstream": "https://github.com/frappe/agent", "show": "", "python": "3.11.2", "services": {}}
    now, command = call.agent.now(), "git rev-parse HEAD"
    raise errors.AgentError(500, {
        "command": command, "directory": "/home/frappe/agent/repo", "start": str(now), "end": str(now), "duration": "0:00:00.006948",
        "status": "Failure", "returncode": 128, "output": "fatal: not a git repository (or any of the parent directories): .git",
        "traceback": "Traceback (most recent call last):\n  ...\nsubprocess.CalledProcessError: Command '%s' returned non-zero exit status 128.\n" % command})


def config_of(agent):
    """As it lies on the disk: with the hash of the token."""
    hashed = hashlib.pbkdf2_hmac("sha256", agent.token.encode(), b"sixteen of bytes", ROUNDS)
    salt, digest = (base64.b64encode(data, b"./").decode().rstrip("=") for data in (b"sixteen of bytes", hashed))
    return {"access_token": "$pbkdf2-sha256$%d$%s$%s" % (ROUNDS, salt, digest), "benches_directory": "/home/frappe/agent/benches", "db_port": 3306,
            "gunicorn_workers": 2, "job_timeout": 14400, "name": agent.name, "nginx_directory": "/home/frappe/agent/nginx",
            "press_url": agent.options.press_url or "http://127.0.0.1:25953", "redis_port": REDIS_PORT, "tls_directory": "/home/frappe/agent/tls",
            "user": "root", "web_port": 25952, "workers": agent.mode["workers"]}


def server(call):
    return {"benches": benches(call), "config": config_of(call.agent), "name": call.agent.name}


def server_config(call):
    return {name: value for name, value in config_of(call.agent).items() if name not in SECRETS}


def server_status(call):
    call.data()["mariadb_root_password"]
    return {"mariadb": {"processes": []}, "supervisor": {}, "nginx": {}, "process": {}, "timestamp": str(call.agent.now())}


def metrics(call):
    call.status, call.headers = 301, (("Location", "/metrics/rq"),)
    return {}


SITE = "/benches/<bench>/sites/<site>"
ROUTES = {
    ("GET", "/ping"): ping, ("GET", "/version"): version, ("GET", "/server"): server, ("GET", "/server/get-config"): server_config,
    ("POST", "/server/status"): server_status, ("GET", "/benches"): benches, ("GET", "/benches/metrics"): metrics,
    ("GET", "/benches/<bench>"): bench, ("GET", "/benches/<bench>/apps"): bench_apps, ("GET", "/benches/<bench>/status"): bench_status,
    ("GET", "/benches/<bench>/sites"): sites, ("GET", SITE): site, ("GET", SITE + "/apps"): site_apps, ("GET", SITE + "/info"): site_info,
    ("GET", SITE + "/status"): site_status, ("POST", SITE + "/sid"): site_session, ("GET", "/jobs"): jobs,
    ("GET", "/jobs/<numbers>"): one_or_many_jobs, ("GET", "/jobs/status/<status>"): jobs_with_status, ("GET", "/agent-jobs"): keys,
    ("GET", "/agent-jobs/<key>"): jobs_with_key,
}
