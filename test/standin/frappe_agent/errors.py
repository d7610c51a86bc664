"""Agent's error bodies: nearly everything that goes wrong is a 500 with a traceback cut into lines."""

import json

from common.http_server import Response

# What stands between the first line and the telling ones.
FRAMES = [
    '  File "/home/frappe/agent/env/lib/python3.11/site-packages/flask/app.py", line 1799, in dispatch_request',
    "    return self.ensure_sync(self.view_functions[rule.endpoint])(**view_args)",
    '  File "/home/frappe/agent/repo/agent/web.py", line 166, in wrapper',
    "    return fn(*args, **kwargs)",
]
WERKZEUG = "/usr/lib/python3/dist-packages/werkzeug/routing/map.py"
REDIS = "/usr/lib/python3/dist-packages/redis/connection.py"
FLASK = "/usr/lib/python3/dist-packages/flask/wrappers.py"
COLUMNS = ", ".join('"t1"."%s"' % name for name in ("id", "name", "status", "agent_job_id", "data", "enqueue", "start", "end", "duration"))

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class AgentError(Exception):
    """A request that gets this status and body."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


def answer(status, body, headers=()):
    return Response(status, (encode(body) + "\n").encode(), headers=headers)


def unauthenticated():
    return answer(401, {"message": "Unauthenticated"}, (("WWW-Authenticate", "Basic"),))


def traced(status, *tail):
    return AgentError(status, {"error": ["Traceback (most recent call last):", *FRAMES, *tail]})


def at(file, line, function):
    return '  File "%s", line %d, in %s' % (file, line, function)


def no_bench(bench):
    return traced(404, at("/home/frappe/agent/repo/agent/server.py", 870, "get_bench"), "    raise BenchNotExistsException(bench) from exc",
                  "agent.exceptions.BenchNotExistsException: Bench %s does not exist" % bench)


def no_site(site, bench):
    return traced(404, at("/home/frappe/agent/repo/agent/bench.py", 960, "get_site"), "    raise SiteNotExistsException(site, self.name) from e",
                  "agent.exceptions.SiteNotExistsException: Site %s does not exist on bench %s" % (site, bench))


def key_error(key, source, subject, subscript):
    """Python 3.11 marks in the line of the source what was looked into and how."""
    marks = " " * source.index(subject + subscript) + "~" * len(subject) + "^" * len(subscript)
    return traced(500, source, marks, "KeyError: %r" % key)


def no_json():
    return traced(500, at(FLASK, 133, "on_json_loading_failed"), "    raise BadRequest() from e", (
        "werkzeug.exceptions.BadRequest: 400 Bad Request: The browser (or proxy) sent a request that this server could not understand."))


def no_route():
    return traced(500, at(WERKZEUG, 624, "match"), "    raise NotFound() from None", (
        "werkzeug.exceptions.NotFound: 404 Not Found: The requested URL was not found on the server. If you entered the URL manually"
        " please check your spelling and try again."))


def wrong_method():
    return traced(500, at(WERKZEUG, 619, "match"), "    raise MethodNotAllowed(valid_methods=list(e.have_match_for)) from None",
                  "werkzeug.exceptions.MethodNotAllowed: 405 Method Not Allowed: The method is not allowed for the requested URL.")


def no_job(column, value):
    return traced(500, "agent.job.JobModelDoesNotExist: <Model: JobModel> instance matching query does not exist:",
                  'SQL: SELECT %s FROM "jobmodel" AS "t1" WHERE ("t1"."%s" = ?) LIMIT ? OFFSET ?' % (COLUMNS, column),
                  "Params: %r" % [value, 1, 0])


def redis_refuses(port):
    return traced(500, at(REDIS, 617, "connect"), "    raise ConnectionError(self._error_message(e))",
                  "redis.exceptions.ConnectionError: Error 111 connecting to localhost:%d. Connection refused." % port)


def python(kind, text):
    """Whatever else Python raised."""
    return traced(500, "%s: %s" % (kind, text))
