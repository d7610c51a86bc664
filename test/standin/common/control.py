"""The control API under /_standin/: JSON in, JSON out, no authentication, meant for tests on the same machine."""

import json
from urllib.parse import parse_qs

from common.http_server import Response


def answer(gateway, request):
    name = request.path[len("/_standin/"):].strip("/")
    routes = gateway.control_routes
    function = routes.get((request.method, name))
    if function is None:
        return reply(404, {"error": "no such control call", "known": sorted("%s /_standin/%s" % key for key in routes)})
    try:
        body = json.loads(request.body) if request.body else {}
        query = {key: values[-1] for key, values in parse_qs(request.query).items()}
        return reply(200, function(gateway, body, query))
    except (KeyError, ValueError, TypeError) as error:
        return reply(400, {"error": "%s: %s" % (type(error).__name__, error)})


def reply(status, body):
    return Response(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def add_fault(gateway, body, query):
    return gateway.faults.add(body).describe()


def list_faults(gateway, body, query):
    return [fault.describe() for fault in gateway.faults.active]


def clear_faults(gateway, body, query):
    """Clears one by its id, or all."""
    gateway.faults.clear(query.get("id"))
    return {"active": len(gateway.faults.active)}


def set_mode(gateway, body, query):
    return gateway.set_mode(body)


def get_mode(gateway, body, query):
    return gateway.mode


def log(gateway, body, query):
    return gateway.journal.since(int(query.get("since", 0)), query.get("method"), query.get("path_regex", ""))


def inventory(gateway, body, query):
    return gateway.inventory()


def stats(gateway, body, query):
    return gateway.journal.stats()


def told(gateway, body, query):
    return gateway.journal.told


def reset(gateway, body, query):
    gateway.reset()
    return {}


ROUTES = {
    ("POST", "fault"): add_fault, ("GET", "fault"): list_faults, ("DELETE", "fault"): clear_faults,
    ("POST", "mode"): set_mode, ("GET", "mode"): get_mode, ("GET", "log"): log, ("GET", "inventory"): inventory,
    ("GET", "stats"): stats, ("GET", "told"): told, ("POST", "reset"): reset,
}
