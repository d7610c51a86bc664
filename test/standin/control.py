"""The control API under /_standin/: JSON in, JSON out, no authentication, meant for tests on the same machine."""

import json
from urllib.parse import parse_qs

import doctypes
import lifecycle
from errors import FrappeError
from faults import BadFault
from fixtures import ADMINISTRATOR, PROVISIONING_ROLES
from http_server import Response
from permissions import add_user


def answer(gateway, request):
    name = request.path[len("/_standin/"):].strip("/")
    function = ROUTES.get((request.method, name))
    if function is None:
        return reply(404, {"error": "no such control call", "known": sorted("%s /_standin/%s" % key for key in ROUTES)})
    try:
        body = json.loads(request.body) if request.body else {}
        query = {key: values[-1] for key, values in parse_qs(request.query).items()}
        return reply(200, function(gateway, body, query))
    except (BadFault, FrappeError, KeyError, ValueError, TypeError) as error:
        return reply(400, {"error": "%s: %s" % (type(error).__name__, error)})


def reply(status, body):
    return Response(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def site_of(gateway, given):
    name = given.get("site") or next(iter(gateway.sites))
    return gateway.sites[name]


def insert(site, doctype, values):
    """All of it or nothing; what a test plants does not count as created."""
    site.begin()
    try:
        document = lifecycle.insert(site, ADMINISTRATOR, doctype, values)
        site.commit()
        return document
    except Exception:
        site.rollback()
        raise


def add_fault(gateway, body, query):
    return gateway.faults.add(body).describe()


def list_faults(gateway, body, query):
    return [fault.describe() for fault in gateway.faults.active]


def clear_faults(gateway, body, query):
    """Clears one by its id, or all."""
    wanted = query.get("id")
    gateway.faults.active = [fault for fault in gateway.faults.active if wanted and str(fault.number) != wanted]
    return {"active": len(gateway.faults.active)}


def set_mode(gateway, body, query):
    unknown = set(body) - set(gateway.mode) - {"tracebacks"}
    if unknown:
        raise BadFault("unknown mode " + ", ".join(sorted(unknown)))
    if "tracebacks" in body:
        for site in gateway.sites.values():
            settings = site.single("System Settings")
            site.put(dict(settings, allow_error_traceback=int(bool(body["tracebacks"]))))
    gateway.mode.update({key: value for key, value in body.items() if key != "tracebacks"})
    return gateway.mode


def get_mode(gateway, body, query):
    return gateway.mode


def log(gateway, body, query):
    return gateway.journal.since(int(query.get("since", 0)), query.get("method"), query.get("path_regex", ""))


def inventory(gateway, body, query):
    return gateway.journal.inventory(gateway.sites)


def names(gateway, body, query):
    """Every document there is, by site and DocType."""
    return {name: {doctype: sorted(document["name"] for document in table.values())
                   for doctype, table in site.tables.items() if table} for name, site in gateway.sites.items()}


def stats(gateway, body, query):
    return gateway.journal.stats(gateway.sites)


def reset(gateway, body, query):
    gateway.reset()
    return {"sites": list(gateway.sites)}


def user(gateway, body, query):
    """A user with a key; without roles given, those that suffice for provisioning."""
    site = site_of(gateway, body)
    roles = body.get("roles", PROVISIONING_ROLES)
    if site.get("User", body["name"]) is None:
        insert(site, "User", {"email": body["name"], "first_name": body["name"]})
    add_user(site, body["name"], body["key"], body["secret"], roles)
    return {"name": body["name"], "roles": list(roles)}


def plant_document(gateway, body, query):
    """Insert with all rules, or with "raw": true as it is, which can make what the server itself never would."""
    site = site_of(gateway, body)
    document = dict(body["doc"])
    if body.get("raw"):
        values = doctypes.blank(document["doctype"], site, document.get("name") or site.hash_name())
        site.put(dict(values, **document))
        return values
    return insert(site, document["doctype"], document)


def read_document(gateway, body, query):
    """A document with all its fields, also those that are null."""
    return site_of(gateway, query).get(query["doctype"], query["name"])


ROUTES = {
    ("POST", "fault"): add_fault, ("GET", "fault"): list_faults, ("DELETE", "fault"): clear_faults,
    ("POST", "mode"): set_mode, ("GET", "mode"): get_mode, ("GET", "log"): log, ("GET", "inventory"): inventory,
    ("GET", "names"): names, ("GET", "stats"): stats, ("POST", "reset"): reset, ("POST", "user"): user, ("POST", "doc"): plant_document,
    ("GET", "doc"): read_document,
}
