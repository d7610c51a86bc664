"""Routing: one request against one site, inside one transaction."""

import json
from urllib.parse import parse_qsl

import doctypes
import lifecycle
import methods
import query
from common import pages
from common.http_server import Response, encode
from errors import FrappeError, error_body, missing_document, pack, uncaught
from permissions import authenticate, check_permission, session_of

COOKIES = (("Set-Cookie", "user_image=; Path=/; SameSite=Lax"),)
LOGGED_OUT = (("Set-Cookie", "user_id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),)
GERMAN = {"Warehouse": "Lager", "Company": "Unternehmen", "Customer": "Kunde", "Item": "Artikel", "Account": "Konto"}


class Outcome:
    """What a request did: for the log and the inventory."""
    __slots__ = ("response", "user", "effect", "inserted", "derived")

    def __init__(self):
        self.response = self.user = self.effect = None
        self.inserted = self.derived = ()


def answer(site, request):
    """Run the request; everything it changed is kept if it succeeds and undone if it fails."""
    outcome = Outcome()
    site.begin()
    try:
        user = authenticate(site, request.headers)
        outcome.user = site.actor = user.name
        site.session = session_of(request.headers)
        status, body = route(site, user, request, outcome)
        if site.notes and isinstance(body, dict):
            body = dict(body, _server_messages=pack(site.notes))
        outcome.response = Response(status, encode(body).encode("utf-8", "surrogatepass"), headers=COOKIES)
        site.commit()
        outcome.inserted = site.inserted
        outcome.derived = [pair for pair in site.created if pair not in site.inserted]
    except FrappeError as error:
        site.rollback()
        outcome.effect = None
        error.messages = site.notes + error.messages
        outcome.response = error_response(site, request, error)
    except PageError as page:
        site.rollback()
        build = pages.frappe if page.by_frappe else pages.werkzeug
        outcome.response = Response(page.status, build(page.status, page.text), pages.HTML, page.headers)
    except Exception as error:        # a stand-in that dies would hide the cause from the test
        site.rollback()
        outcome.effect = None
        outcome.response = error_response(site, request, uncaught(type(error).__name__, str(error)))
    return outcome


class PageError(Exception):
    """An answer in HTML, of werkzeug's or of Frappe's website."""

    def __init__(self, status, text, headers=(), by_frappe=False):
        super().__init__(text)
        self.status, self.text, self.headers, self.by_frappe = status, text, headers, by_frappe


def error_response(site, request, error):
    accept = request.headers.get("accept", "")
    if "text/html" in accept:
        text = error.text or error.exc_type
        return Response(error.status, pages.frappe(error.status, text), pages.HTML, COOKIES)
    tracebacks = site.single_value("System Settings", "allow_error_traceback")
    body = dict(getattr(error, "extra", {}), **error_body(error, tracebacks))
    text = encode(body)
    if request.headers.get("accept-language", "").startswith("de"):
        for english, german in GERMAN.items():
            text = text.replace("%s <strong>" % english, "%s <strong>" % german)
    headers = LOGGED_OUT if error.status == 401 else COOKIES
    return Response(error.status, text.encode("utf-8", "surrogatepass"), headers=headers)


# -- paths

def route(site, user, request, outcome):
    path = request.path
    while path.startswith("//"):
        path = path[1:]
    if path.startswith("/api/method/"):
        return method_call(site, user, request, path[len("/api/method/"):].rstrip("/"), outcome)
    if path.startswith("/api/resource/"):
        doctype, slash, name = path[len("/api/resource/"):].partition("/")
        name = name[:-1] if name.endswith("/") else name
        return resource(site, user, request, doctype, name, outcome)
    if path == "/api/v2/method/ping":
        return 200, {"data": "pong"}
    if path.startswith("/api/"):
        raise FrappeError("DoesNotExistError", "", messages=[], only=("exc_type",))
    raise PageError(404, "The page you are looking for is not here.", by_frappe=True)


def method_call(site, user, request, name, outcome):
    body = methods.call(site, user, name, arguments_of(request))
    if site.inserted:
        outcome.effect = "created " + ", ".join("%s/%s" % pair for pair in site.inserted)[:200]
    return 200, body


def resource(site, user, request, doctype, name, outcome):
    if doctype == "DocType" and name and request.method == "GET":
        return 200, {"data": describe(name)}
    action = (ON_DOCUMENT if name else ON_LIST).get(request.method)
    if action is None:
        if request.method == "PUT":
            raise PageError(405, "The method is not allowed for the requested URL.", (("Allow", "HEAD, POST, GET"),))
        raise FrappeError("DoesNotExistError", "", messages=[], only=("exc_type",))
    if not doctypes.exists(doctype):
        raise unknown_doctype(doctype, request.method)
    return action(site, user, doctype, name, request, outcome)


def unknown_doctype(doctype, verb):
    if verb == "POST":
        module = doctype.lower().replace(" ", "_")
        return uncaught("ImportError", "No module named 'frappe.core.doctype.%s'" % module)
    return missing_document("DocType", doctype)


def describe(doctype):
    """The part of a DocType that tells whether ERPNext is installed."""
    if not doctypes.exists(doctype):
        raise missing_document("DocType", doctype)
    return {"name": doctype, "doctype": "DocType", "issingle": int(doctypes.is_single(doctype)), "module": "Setup",
            "is_submittable": int(doctype in doctypes.SUBMITTABLE), "istable": int(bool(doctypes.parents_of(doctype))),
            "fields": [{"fieldname": field} for field in doctypes.fields(doctype)]}


# -- actions

def list_documents(site, user, doctype, name, request, outcome):
    check_permission(site, user, doctype, "list")
    return 200, {"data": query.select(site, doctype, arguments_of(request))}


def create_document(site, user, doctype, name, request, outcome):
    document = lifecycle.insert(site, user, doctype, arguments_of(request))
    outcome.effect = "created %s/%s" % (doctype, document["name"])
    return 200, {"data": doctypes.present(document)}


def read_document(site, user, doctype, name, request, outcome):
    document = site.get(doctype, name)
    if document is None:
        raise missing_document(doctype, name)
    if not user.may(doctype, "read"):
        check_permission(site, user, doctype, "read")
    return 200, {"data": doctypes.present(document)}


def update_document(site, user, doctype, name, request, outcome):
    document = lifecycle.update(site, user, doctype, name, arguments_of(request))
    outcome.effect = "updated %s/%s" % (doctype, document["name"])
    return 200, {"data": doctypes.present(document)}


def delete_document(site, user, doctype, name, request, outcome):
    outcome.effect = "deleted %s/%s" % (doctype, lifecycle.delete(site, user, doctype, name)["name"])
    return 202, {"data": "ok"}


def run_document_method(site, user, doctype, name, request, outcome):
    arguments = arguments_of(request)
    if "run_method" not in arguments:
        raise uncaught("KeyError", "'run_method'")
    lifecycle.run_method(site, user, doctype, name, arguments["run_method"])
    outcome.effect = "ran %s on %s/%s" % (arguments["run_method"], doctype, name)
    return 200, {}


ON_LIST = {"GET": list_documents, "HEAD": list_documents, "POST": create_document}
ON_DOCUMENT = {"GET": read_document, "HEAD": read_document, "PUT": update_document, "DELETE": delete_document,
               "POST": run_document_method}


# -- arguments

def arguments_of(request):
    """A JSON body makes the server forget the query string; a form's field "data" may hold the JSON."""
    if not request.body:
        return dict(parse_qsl(request.query, keep_blank_values=True))
    if "form-urlencoded" in request.headers.get("content-type", ""):
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        return checked(load(form["data"])) if "data" in form else form
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise uncaught("AttributeError", "'bytes' object has no attribute 'pop'")
    return checked(load(text))


def load(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise uncaught("JSONDecodeError", str(error))
    except RecursionError:
        raise uncaught("RecursionError", "maximum recursion depth exceeded while decoding a JSON array")


def checked(arguments):
    if isinstance(arguments, dict):
        return arguments
    if isinstance(arguments, str):
        raise FrappeError("ValidationError", "Invalid request arguments")
    raise uncaught("AttributeError" if isinstance(arguments, list) else "TypeError",
                   "'%s' object has no attribute 'pop'" % type(arguments).__name__)
