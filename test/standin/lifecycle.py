"""Insert, update and delete in the order in which Frappe checks things, so that the same error wins."""

import datetime

import doctypes
import naming
import validation
from deletion import check_not_linked
from errors import FrappeError, duplicate, missing_document, uncaught
from permissions import check_permission

# (doctype, event) -> functions(site, document, old). Events: defaults, naming, validate, insert, update, submit,
# cancel, trash. A function that changes the document changes the dict it is given.
HOOKS = {}

# Inserted and submitted in one request, these are answered as they were before their submission.
ANSWERED_AS_SENT = {"Sales Invoice"}


def on(event, *names):
    """Decorator: run the function at this event of these DocTypes."""
    def register(function):
        for name in names:
            HOOKS.setdefault((name, event), []).append(function)
        return function
    return register


def run(event, site, document, old=None):
    for function in HOOKS.get((document["doctype"], event), ()):
        function(site, document, old)


# -- insert

def insert(site, user, doctype, values):
    """Frappe's Document.insert; gives the stored document."""
    if doctypes.is_single(doctype):
        return replace_single(site, user, doctype, values)
    document = new_document(site, doctype, values)
    validation.check_links(site, document)
    check_permission(site, user, doctype, "create")
    check_permission_to_move(site, user, doctype, 0, document["docstatus"])
    naming.set_name(site, document, values)
    validation.adopt_rows(site, document)
    run("validate", site, document)
    wanted = document["docstatus"]
    if wanted == 2:
        raise FrappeError("DocstatusTransitionError", "Cannot change docstatus from 0 (Draft) to 2 (Cancelled)",
                          messages=[])
    validation.check_values(site, document)
    refuse_duplicate(site, document)
    site.put(document)
    site.inserted.append((doctype, document["name"]))
    run("insert", site, document)
    if wanted == 1 and doctype in doctypes.SUBMITTABLE:
        run("submit", site, document)
    return document if doctype in ANSWERED_AS_SENT else site.get(doctype, document["name"])


def new_document(site, doctype, values):
    document = doctypes.blank(doctype, site, None)
    validation.assign(site, document, values)
    validation.apply_user_defaults(site, document)
    run("defaults", site, document)
    if doctype in doctypes.TREES:
        document["lft"] = site.next_in_tree()
        document["rgt"] = document["lft"] + 1
        document["old_parent"] = parent_in_tree(document) or ""
    return document


def parent_in_tree(document):
    return document.get("parent_" + document["doctype"].lower().replace(" ", "_"))


def refuse_duplicate(site, document):
    if site.get(document["doctype"], document["name"]) is not None:
        raise duplicate(document["doctype"], document["name"])
    validation.check_unique(site, document)


def replace_single(site, user, doctype, values):
    """POST on a Single replaces the whole record by its defaults and the body."""
    document = doctypes.blank(doctype, site, doctype)
    old = site.single(doctype)
    document["creation"] = old["creation"]
    for field in ("selling_price_list", "customer_group", "territory"):
        # Links are given again from the user's defaults, which the settings themselves had set.
        if field in document and old.get(field):
            document[field] = old[field]
    validation.assign(site, document, values)
    return save_single(site, user, document)


def save_single(site, user, document):
    validation.check_links(site, document)
    check_permission(site, user, document["doctype"], "write")
    validation.adopt_rows(site, document)
    validation.check_values(site, document)
    site.put(document)
    return document


# -- update

def update(site, user, doctype, name, values):
    """Frappe's Document.save for a PUT: only what is sent changes, a sent table replaces the table."""
    old = site.get(doctype, name)
    if old is None:
        raise missing_document(doctype, name)
    if doctype in doctypes.SUBMITTABLE and old["docstatus"] == 2:
        raise FrappeError("ValidationError", "Cannot edit cancelled document", messages=[])
    document = dict(old)
    validation.assign(site, document, values)
    check_not_older(old, values)
    document["modified"], document["modified_by"] = site.now(), user.name
    if doctypes.is_single(doctype):
        return save_single(site, user, document)
    check_transition(old, document)
    validation.check_links(site, document)
    check_permission(site, user, doctype, "write")
    check_permission_to_move(site, user, doctype, old["docstatus"], document["docstatus"])
    validation.adopt_rows(site, document)
    run("validate", site, document, old)
    validation.check_constants(old, document)
    if old["docstatus"] == 1 and document["docstatus"] == 1 and doctype in doctypes.SUBMITTABLE:
        validation.check_after_submit(old, document)
    validation.check_values(site, document)
    validation.check_unique(site, document)
    site.put(document)
    run_transition(site, old, document)
    return site.get(doctype, document["name"])


def check_not_older(old, values):
    sent = values.get("modified")
    if sent and sent != old["modified"]:
        text = ("Error: Document has been modified after you have opened it (%s, %s). Please refresh to get the latest"
                " document." % (old["modified"], sent))
        raise FrappeError("TimestampMismatchError", text)


def check_transition(old, document):
    words = {0: "Draft", 1: "Submitted", 2: "Cancelled"}
    step = (old["docstatus"], document["docstatus"])
    if step in ((1, 0), (0, 2)):
        raise FrappeError("DocstatusTransitionError", "Cannot change docstatus from %d (%s) to %d (%s)" % (
            step[0], words[step[0]], step[1], words[step[1]]), messages=[])


def check_permission_to_move(site, user, doctype, old, new):
    if doctype in doctypes.SUBMITTABLE and old != new and new in (1, 2):
        check_permission(site, user, doctype, "submit" if new == 1 else "cancel")


def run_transition(site, old, document):
    run("update", site, document, old)
    if document["doctype"] not in doctypes.SUBMITTABLE or old["docstatus"] == document["docstatus"]:
        return
    run("submit" if document["docstatus"] == 1 else "cancel", site, document, old)


# -- delete

def delete(site, user, doctype, name):
    document = site.get(doctype, name)
    if document is None:
        raise FrappeError("DoesNotExistError", "", messages=[], only=("exc_type",))
    check_permission(site, user, doctype, "delete", document["name"])
    if doctype in doctypes.SUBMITTABLE and document["docstatus"] == 1:
        raise FrappeError("ValidationError", (
            "%s %s: Submitted Record cannot be deleted. You must <a href='https://docs.erpnext.com//docs/user/manual/en/"
            "setting-up/articles/delete-submitted-document' target='_blank'> Cancel </a> it first." % (doctype, name)))
    run("trash", site, document)
    check_not_linked(site, document)
    site.remove(document)
    return document


def run_method(site, user, doctype, name, method):
    """POST {"run_method": ...} on a document."""
    document = site.get(doctype, name)
    if document is None:
        raise missing_document(doctype, name)
    check_permission(site, user, doctype, "write")
    found = HOOKS.get((doctype, "method:" + method))
    if not found:
        raise uncaught("AttributeError", "'%s' object has no attribute '%s'" % (doctype.replace(" ", ""), method))
    for function in found:
        function(site, document, None)


def year_of(site):
    return str((site.today_is or datetime.date.today()).year)
