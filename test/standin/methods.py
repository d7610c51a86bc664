"""/api/method/<dotted path>: the whitelisted functions that provisioning calls, and how others fail."""

import json

import doctypes
import lifecycle
import query
from company import CHARTS
from errors import FrappeError, missing_document, uncaught
from fixtures import run_wizard
from permissions import GUEST, add_user, check_permission, refuse_method, roles_of

VERSIONS = {
    "frappe": {"title": "Frappe Framework", "branch": "", "version": "15.44.2",
               "description": "Full stack web framework with Python, Javascript, MariaDB, Redis, Node"},
    "erpnext": {"title": "ERPNext", "description": "ERP made simple", "branch": "", "version": "15.65.1"},
}
APPS = ("frappe", "erpnext")
POINT_OF_SALE = "erpnext.selling.page.point_of_sale.point_of_sale."
METHODS = {}
OPEN_TO_GUESTS = {"ping", "login", "logout", "frappe.core.doctype.user.user.reset_password"}


class Answer(dict):
    """A whole body, for the methods that answer more than {"message": ...}."""


def method(name):
    def register(function):
        METHODS[name] = function
        return function
    return register


def call(site, user, name, arguments):
    """Run a method; gives the body of the answer."""
    function = METHODS.get(name)
    if function is None:
        raise unknown_method(name)
    if user is GUEST and name not in OPEN_TO_GUESTS:
        raise refuse_method(name)
    result = function(site, user, arguments)
    if isinstance(result, Answer):
        return result
    return {} if result is None else {"message": result}


def unknown_method(name):
    app, _, function = name.rpartition(".")
    if name == "frappe.utils.get_site_path":
        return refuse_method(name)
    start = "Failed to get method for command %s with " % name
    if app.split(".")[0] in APPS:
        return FrappeError("ValidationError", start + "module '%s' has no attribute '%s'" % (app, function))
    reason = "App %s is not installed" % name.split(".")[0]
    error = FrappeError("ValidationError", start + reason)
    error.messages.insert(0, FrappeError("ValidationError", reason).messages[0])
    return error


def argument(arguments, name):
    """A parameter without which the function cannot be called at all."""
    if name not in arguments:
        raise uncaught("TypeError", "missing 1 required positional argument: '%s'" % name)
    return arguments[name]


def existing_doctype(arguments, name="doctype"):
    doctype = argument(arguments, name)
    if not doctypes.exists(doctype):
        raise missing_document("DocType", doctype)
    return doctype


# -- about the server

@method("ping")
def ping(site, user, arguments):
    return "pong"


@method("frappe.auth.get_logged_user")
def logged_user(site, user, arguments):
    return user.name


@method("frappe.utils.change_log.get_versions")
def versions(site, user, arguments):
    return VERSIONS


@method("frappe.core.doctype.module_def.module_def.get_installed_apps")
def installed_apps(site, user, arguments):
    return json.dumps(APPS)


@method("frappe.core.doctype.user.user.get_roles")
def roles(site, user, arguments):
    name = arguments.get("uid") or user.name
    found = next((other for other in site.users.values() if other.name == name), None)
    if found is None or found.is_administrator:
        return [row["name"] for row in site.table("Role").values()]
    return sorted(found.roles) + ["All", "Guest"]


@method("login")
def login(site, user, arguments):
    """Passwords are not kept: the Administrator's secret serves as one."""
    for known in site.users.values():
        if known.name == arguments.get("usr") and known.secret == arguments.get("pwd"):
            return Answer(message="Logged In", home_page="/app/home", full_name=known.name)
    error = FrappeError("AuthenticationError", "", messages=[])
    error.extra = {"message": "Invalid login credentials"}
    raise error


@method("frappe.core.doctype.user.user.generate_keys")
def generate_keys(site, user, arguments):
    if not user.is_administrator and "System Manager" not in user.roles:
        raise FrappeError("PermissionError", "", messages=[])
    name = argument(arguments, "user")
    document = site.get("User", name)
    if document is None:
        raise missing_document("User", name)
    known = next((other for other in site.users.values() if other.name == document["name"]), None)
    key, secret = known.key if known else random_word(site), random_word(site)
    roles = known.roles if known and known.roles else roles_of(site, document["name"])
    denied = known.denied if known else ()
    add_user(site, document["name"], key, secret, roles).denied = set(denied)
    site.put(dict(document, api_key=key, api_secret="*" * len(secret)))
    return {"api_secret": site.tell(secret)}


def random_word(site):
    return site.hash_name() + site.hash_name()[:5]


@method("logout")
def logout(site, user, arguments):
    """Ends the session of the cookie, and no other; also of somebody who has none."""
    site.ended_sessions.add(site.session)


@method("frappe.core.doctype.user.user.reset_password")
def reset_password(site, user, arguments):
    """An endpoint with a limit of its own: over it the answer has no Retry-After."""
    site.reset_password_calls = getattr(site, "reset_password_calls", 0) + 1
    if site.reset_password_calls > 3:
        raise FrappeError("RateLimitExceededError",
                          "You hit the rate limit because of too many requests. Please try after sometime.")
    return "not found"


# -- frappe.client

@method("frappe.client.has_permission")
def has_permission(site, user, arguments):
    """With an empty docname it is about the DocType."""
    doctype, name = existing_doctype(arguments), argument(arguments, "docname")
    action = arguments.get("perm_type", "read").lower()
    if name and site.get(doctype, name) is None:
        raise missing_document(doctype, name)
    if action == "submit" and doctype not in doctypes.SUBMITTABLE:
        return {"has_permission": False}
    return {"has_permission": user.may(doctype, action)}


@method("frappe.client.get_value")
def get_value(site, user, arguments):
    doctype = existing_doctype(arguments)
    check_permission(site, user, doctype, "read")
    fields = query.load(plain_list(argument(arguments, "fieldname")), ["name"])
    fields = [fields] if isinstance(fields, str) else fields
    if doctypes.is_single(doctype):
        return {field: site.single(doctype).get(field) for field in fields}
    found = query.select(site, doctype, {"fields": fields, "filters": plain_name(arguments.get("filters")),
                                         "limit_page_length": 1})
    return found[0] if found else {}


def plain_list(value):
    """A field name may come without JSON around it."""
    return value if not isinstance(value, str) or value[:1] in '["' else json.dumps(value)


def plain_name(filters):
    return filters if not isinstance(filters, str) or filters[:1] in '[{"' else json.dumps({"name": filters})


@method("frappe.client.get_single_value")
def get_single_value(site, user, arguments):
    doctype = existing_doctype(arguments)
    check_permission(site, user, doctype, "read")
    return site.single_value(doctype, argument(arguments, "field"))


@method("frappe.client.get_list")
def get_list(site, user, arguments):
    doctype = existing_doctype(arguments)
    check_permission(site, user, doctype, "list")
    return query.select(site, doctype, arguments)


@method("frappe.client.get_count")
def get_count(site, user, arguments):
    doctype = existing_doctype(arguments)
    check_permission(site, user, doctype, "list")
    return len(query.rows_of(site, doctype, arguments.get("filters")))


@method("frappe.client.get")
def get(site, user, arguments):
    doctype = existing_doctype(arguments)
    check_permission(site, user, doctype, "read")
    name = arguments.get("name")
    if name is None:
        found = query.rows_of(site, doctype, arguments.get("filters"))
        name = found[0]["name"] if found else None
    document = site.get(doctype, name)
    if document is None:
        raise missing_document(doctype, name)
    return document


@method("frappe.client.insert")
def insert(site, user, arguments):
    document = query.load(argument(arguments, "doc"), {})
    return lifecycle.insert(site, user, existing_doctype(document), document)


@method("frappe.client.insert_many")
def insert_many(site, user, arguments):
    return [insert(site, user, {"doc": document})["name"] for document in query.load(argument(arguments, "docs"), [])]


@method("frappe.client.set_value")
def set_value(site, user, arguments):
    doctype, name = existing_doctype(arguments), argument(arguments, "name")
    values = query.load(plain_list(argument(arguments, "fieldname")), {}) if not isinstance(
        arguments["fieldname"], str) or arguments["fieldname"][:1] == "{" else {
            arguments["fieldname"]: arguments.get("value")}
    return lifecycle.update(site, user, doctype, name, values)


@method("frappe.client.submit")
def submit(site, user, arguments):
    document = query.load(argument(arguments, "doc"), {})
    doctype, name = existing_doctype(document), document.get("name")
    if site.get(doctype, name) is None:
        return lifecycle.insert(site, user, doctype, dict(document, docstatus=1))
    return lifecycle.update(site, user, doctype, name, {"docstatus": 1})


@method("frappe.client.cancel")
def cancel(site, user, arguments):
    return lifecycle.update(site, user, existing_doctype(arguments), argument(arguments, "name"), {"docstatus": 2})


@method("frappe.client.delete")
def delete(site, user, arguments):
    lifecycle.delete(site, user, existing_doctype(arguments), argument(arguments, "name"))


# -- ERPNext

@method("frappe.desk.page.setup_wizard.setup_wizard.setup_complete")
def setup_complete(site, user, arguments):
    if not site.single_value("System Settings", "setup_complete"):
        check_permission(site, user, "System Settings", "write")
        given = query.load(argument(arguments, "args"), {})
        run_wizard(site, given)
        site.notes = []             # what the fixtures remarked is not shown
        return Answer(message={"status": "ok"}, home_page="/app/home", full_name=given.get("full_name"))
    return {"status": "ok"}


@method("erpnext.accounts.doctype.account.chart_of_accounts.chart_of_accounts.get_charts_for_country")
def charts_for_country(site, user, arguments):
    return list(CHARTS)


@method("erpnext.accounts.doctype.chart_of_accounts_importer.chart_of_accounts_importer.validate_company")
def validate_company(site, user, arguments):
    """Refuses companies that have ledger rows."""
    if site.where("GL Entry", "company", argument(arguments, "company")):
        return False
    return None


@method(POINT_OF_SALE + "check_opening_entry")
def check_opening_entry(site, user, arguments):
    return query.select(site, "POS Opening Entry", {
        "fields": ["name", "company", "pos_profile", "period_start_date"],
        "filters": {"user": argument(arguments, "user"), "docstatus": 1, "status": "Open"}, "limit_page_length": 0})


@method(POINT_OF_SALE + "create_opening_voucher")
def create_opening_voucher(site, user, arguments):
    return lifecycle.insert(site, user, "POS Opening Entry", {
        "pos_profile": argument(arguments, "pos_profile"), "company": argument(arguments, "company"),
        "balance_details": query.load(argument(arguments, "balance_details"), []), "user": user.name,
        "period_start_date": site.now(), "docstatus": 1})
