"""The methods under /api/method/ that a customer of Frappe Cloud may call."""

import json
import re
from urllib.parse import parse_qsl

from common import sessions
from common.http_server import Response, encode
from errors import FrappeError, error_body, uncaught
from frappe_press.cloud import Site, refuse

SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{3,30}[a-z0-9]")
ALLOWED = ("press.api.", "press.saas.")
OPEN_METHOD = "press.api.site.exists"


class Caller:
    """Who calls, and for which of his teams: a team he is not in is silently replaced by his first one."""

    def __init__(self, cloud, key, wanted_team):
        self.cloud, self.key = cloud, key
        teams = cloud.users[key]["teams"] if key else [None]
        self.team = wanted_team if wanted_team in teams else teams[0]
        self.effect = None

    def site(self, name):
        return self.cloud.find_site(name, self.team)


# -- creating

def check_site(cloud, wanted):
    """What Press refuses before anything is made."""
    options = cloud.options
    if not cloud.mode["may_create"]:
        raise refuse("ValidationError", "You cannot create a new site because your account is currently suspended")
    if not SUBDOMAIN.fullmatch(wanted["name"]):
        raise refuse("ValidationError", "Subdomain %s is invalid" % wanted["name"])
    if wanted.get("domain", options.domain) != options.domain:
        raise refuse("ValidationError", "Domain %s does not exist" % wanted["domain"])
    if wanted["plan"] not in options.plan and wanted["plan"] != options.private_plan:
        raise refuse("ValidationError", "Plan %s is not allowed" % wanted["plan"])
    if wanted["plan"] in options.plan and wanted.get("group") not in options.group:
        raise refuse("ValidationError", "Release Group %s does not exist" % wanted.get("group"))
    apps = wanted["apps"]
    if not apps or apps[0] != "frappe" or len(set(apps)) < len(apps) or not set(apps) <= set(options.app):
        raise refuse("ValidationError", "Apps %s cannot be installed" % ", ".join(apps))


def make_site(caller, wanted):
    options = caller.cloud.options
    check_site(caller.cloud, wanted)
    apps = sorted(wanted["apps"], key=options.app.index)
    return Site("%s.%s" % (wanted["name"], caller.cloud.mode["made_under"] or options.domain), caller.team, apps, wanted.get("group"), wanted["plan"], wanted.get("cluster", "Default"))


def new(caller, site):
    made = make_site(caller, site)
    caller.effect = "created Site/" + made.name
    if site["plan"] == caller.cloud.options.private_plan:
        return {"site_group_deploy": caller.cloud.deploy(made)}
    return {"site": made.name, "job": caller.cloud.new_site(made).id}


def insert(caller, doc):
    need(doc["doctype"] == "Site")
    apps = [row["app"] for row in doc["apps"]]
    made = make_site(caller, dict(doc, name=doc["subdomain"], apps=apps, plan=doc["subscription_plan"]))
    caller.cloud.new_site(made)
    caller.effect = "created Site/" + made.name
    return dict(made.show(), doctype="Site")


def exists(caller, subdomain, domain):
    caller.cloud.limit_asking()
    name = "%s.%s" % (subdomain, domain)
    return name in caller.cloud.sites or name in caller.cloud.domains


def options_for_new(caller, **filters):
    options = caller.cloud.options
    return {"domain": options.domain, "plans": [{"name": plan} for plan in options.plan], "apps": [{"name": app} for app in options.app],
            "groups": [{"name": group} for group in options.group]}


# -- reading

class Elsewhere(Exception):
    """The answer is at another address."""


def get(caller, name):
    if name in caller.cloud.domains and not caller.cloud.mode["hide_missing"]:
        raise Elsewhere("/api/method/press.api.site.get?name=" + caller.cloud.domains[name])
    return caller.site(name).show()


def current_team(caller):
    return {"doctype": "Team", "name": caller.team, "team_title": caller.team, "enabled": 1}


def find_job(caller, name):
    if name not in caller.cloud.jobs or caller.cloud.jobs[name].lost:
        raise FrappeError("DoesNotExistError", "Agent Job %s not found" % name)
    return caller.cloud.jobs[name]


def jobs(caller, filters, **paging):
    return [job.summary() for job in reversed(caller.site(filters["site"]).jobs)]


def running_jobs(caller, name):
    return [job.show() for job in caller.site(name).jobs if job.status in ("Pending", "Running")]


def login(caller, name, reason=None):
    return {"sid": caller.cloud.journal.tell(sessions.open_session(caller.site(name).name, "Administrator")), "site": name}


def client_get(caller, doctype, name):
    need(doctype in ("Site", "Site Group Deploy"))
    return caller.cloud.show_deploy(name) if doctype == "Site Group Deploy" else get(caller, name)


# -- archiving and backups

def archive(caller, name, force=False, **more):
    caller.cloud.archive(caller.site(name))
    caller.effect = "archived Site/" + name


def backup(caller, name, with_files=False):
    caller.effect = "created Backup/" + caller.cloud.back_up(caller.site(name), bool(with_files)).name


def backups(caller, name):
    return [row.show() for row in reversed(caller.site(name).backups)][:40]


def backup_link(caller, name, backup, file):
    row = next((row.show() for row in caller.site(name).backups if row.name == backup), None)
    if row is None or row.get("remote_%s_file" % file) is None:
        raise FrappeError("DoesNotExistError", "Remote File not found")
    return "https://backups.example.com/%s?signature=%s" % (row["remote_%s_file" % file], backup)


def run_doc_method(caller, dt, dn, method, args=None):
    need(dt == "Site" and method in ("archive", "schedule_backup"))
    return {"archive": archive, "schedule_backup": backup}[method](caller, dn, **(args or {}))


def get_list(caller, doctype, filters=None, **more):
    """Backups without a status are those that succeeded."""
    need(doctype in ("Site Backup", "Site Group Deploy"))
    if doctype == "Site Group Deploy":
        deploys = [name for name, deploy in reversed(caller.cloud.deploys.items()) if deploy["site"].team == caller.team]
        return [{field.split(" as ")[-1]: caller.cloud.show_deploy(name)[field] for field in more["fields"]} for name in deploys]
    return [row for row in backups(caller, filters["site"]) if row["status"] == filters.get("status", "Success")]


def create_api_secret(caller):
    """The key stays, the secret before this one is worth nothing any more."""
    secret = caller.cloud.users[caller.key]["secret"] = caller.cloud.hash(15)
    return {"api_key": caller.key, "api_secret": secret}


def need(true):
    if not true:
        raise FrappeError("PermissionError", "Not permitted")


SITE, CLIENT = "press.api.site.", "press.api.client."
METHODS = {
    SITE + "new": new, OPEN_METHOD: exists, SITE + "options_for_new": options_for_new, SITE + "get_new_site_options": options_for_new,
    SITE + "get_site_plans": lambda caller: options_for_new(caller)["plans"], SITE + "get_domain": lambda caller: caller.cloud.options.domain,
    SITE + "get": get, SITE + "get_job_status": lambda caller, job_name: {"status": find_job(caller, job_name).status},
    SITE + "job": lambda caller, job: find_job(caller, job).show(), SITE + "jobs": jobs, SITE + "running_jobs": running_jobs, SITE + "login": login,
    SITE + "archive": archive, SITE + "backup": backup, SITE + "backups": backups, SITE + "get_backup_link": backup_link,
    CLIENT + "get": client_get, CLIENT + "insert": insert, CLIENT + "run_doc_method": run_doc_method, CLIENT + "get_list": get_list,
    "press.api.account.create_api_secret": create_api_secret, "press.api.account.current_team": current_team,
}


def answer(caller, request):
    """The response; what returns nothing gives an empty object."""
    try:
        value = call(caller, request)
        body = {} if value is None else {"message": value}
        return Response(200, encode(body).encode())
    except Elsewhere as place:
        return Response(302, b"", "text/html", (("Location", str(place)),))
    except FrappeError as error:
        return error_response(error)


def error_response(error):
    return Response(error.status, encode(error_body(error)).encode())


def call(caller, request):
    name = request.path[len("/api/method/"):]
    if not request.path.startswith("/api/method/") or not name.startswith(ALLOWED):
        raise FrappeError("AuthenticationError", "Access not allowed for this URL")
    if name not in METHODS:
        raise FrappeError("ValidationError", "Failed to get method for command %s" % name)
    try:
        arguments = json.loads(request.body) if request.body else dict(parse_qsl(request.query))
        return METHODS[name](caller, **arguments)
    except (KeyError, TypeError, AttributeError, ValueError) as error:      # as Python's own errors come through
        raise uncaught(type(error).__name__, str(error)) from error
