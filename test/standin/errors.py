"""Frappe's exceptions, and the bodies in which version 15 reports them."""

import json

# Exception name: (status, class path as it is printed in "exception").
KINDS = {
    "PermissionError": (403, "frappe.exceptions.PermissionError"),
    "AuthenticationError": (401, "frappe.exceptions.AuthenticationError"),
    "DoesNotExistError": (404, "frappe.exceptions.DoesNotExistError"),
    "DuplicateEntryError": (409, "frappe.exceptions.DuplicateEntryError"),
    "NameError": (409, "frappe.exceptions.NameError"),
    "ValidationError": (417, "frappe.exceptions.ValidationError"),
    "MandatoryError": (417, "frappe.exceptions.MandatoryError"),
    "LinkValidationError": (417, "frappe.exceptions.LinkValidationError"),
    "LinkExistsError": (417, "frappe.exceptions.LinkExistsError"),
    "UniqueValidationError": (417, "frappe.exceptions.UniqueValidationError"),
    "CharacterLengthExceededError": (417, "frappe.exceptions.CharacterLengthExceededError"),
    "TimestampMismatchError": (417, "frappe.exceptions.TimestampMismatchError"),
    "CannotChangeConstantError": (417, "frappe.exceptions.CannotChangeConstantError"),
    "UpdateAfterSubmitError": (417, "frappe.exceptions.UpdateAfterSubmitError"),
    "DocstatusTransitionError": (417, "frappe.exceptions.DocstatusTransitionError"),
    "DataError": (417, "frappe.exceptions.DataError"),
    "ColumnTooLong": (500, "pymysql.err.DataError"),
    "QueryDeadlockError": (500, "frappe.exceptions.QueryDeadlockError"),
    "QueryTimeoutError": (500, "frappe.exceptions.QueryTimeoutError"),
    "OperationalError": (500, "pymysql.err.OperationalError"),
    "ProgrammingError": (500, "pymysql.err.ProgrammingError"),
    "JSONDecodeError": (500, "json.decoder.JSONDecodeError"),
    "ImportError": (500, "Error"),
    "TooManyRequestsError": (429, "frappe.exceptions.TooManyRequestsError"),
    "RateLimitExceededError": (429, "frappe.exceptions.RateLimitExceededError"),
    "SessionStopped": (503, "frappe.exceptions.SessionStopped"),
    "InReadOnlyMode": (503, "frappe.exceptions.InReadOnlyMode"),
    "FiscalYearError": (417, "erpnext.accounts.utils.FiscalYearError"),
    "ItemPriceDuplicateItem": (417, "erpnext.stock.doctype.item_price.item_price.ItemPriceDuplicateItem"),
    "PartialPaymentValidationError": (
        417, "erpnext.accounts.doctype.pos_invoice.pos_invoice.PartialPaymentValidationError"),
    "EmptyStockReconciliationItemsError": (
        417, "erpnext.stock.doctype.stock_reconciliation.stock_reconciliation.EmptyStockReconciliationItemsError"),
}

# Python's own exceptions that the real server lets through, all as 500.
UNCAUGHT = ("TypeError", "KeyError", "AttributeError", "IndexError")

DEADLOCK = "(1213, 'Deadlock found when trying to get lock; try restarting transaction')"
LOCK_WAIT = "(1205, 'Lock wait timeout exceeded; try restarting transaction')"
UNSET = object()


class FrappeError(Exception):
    """One failed request: what makes up its status and its v1 body."""

    def __init__(self, kind, text="", messages=UNSET, title="Message", erpnext=False, only=None, error_message=None):
        super().__init__(text)
        self.status, self.path = KINDS.get(kind, (500, kind))
        self.exc_type = "DataError" if kind == "ColumnTooLong" else kind
        self.text = text
        self.messages = [message(text, title)] if messages is UNSET else messages
        self.erpnext = erpnext          # raised by ERPNext's own code: "_exc_source" is sent
        self.only = only                # the body holds these keys and no others
        self.error_message = error_message


def message(text, title="Message", indicator="red", raised=True):
    """One entry of _server_messages."""
    entry = {"message": text, "title": title}
    if indicator:
        entry["indicator"] = indicator
    if raised:
        entry["raise_exception"] = 1
        entry["__frappe_exc_id"] = "%056x" % (hash(text) & (1 << 220) - 1)
    return entry


def note(text, title="Message", indicator=None):
    """A message that accompanies an answer without being an error."""
    return message(text, title, indicator, raised=False)


def pack(messages):
    """_server_messages is a JSON text of a list of JSON texts."""
    return json.dumps([json.dumps(entry, ensure_ascii=False) for entry in messages], ensure_ascii=False)


def error_body(error, tracebacks=True):
    """The v1 body of an error, as a dict in the recorded order of keys."""
    printed = "%s: %s" % (error.path, error.text) if error.text else error.path
    body = {}
    if tracebacks:
        body["exception"] = printed
    body["exc_type"] = error.exc_type
    if error.erpnext:
        body["_exc_source"] = "erpnext (app)"
    if tracebacks:
        body["exc"] = json.dumps([traceback_text(printed)], ensure_ascii=False)
    if error.messages:
        body["_server_messages"] = pack(error.messages)
    if error.error_message:
        body["_error_message"] = error.error_message
    if error.only is not None:
        body = {key: value for key, value in body.items() if key in error.only}
    return body


def traceback_text(last_line):
    return ('Traceback (most recent call last):\n  File "apps/frappe/frappe/app.py", line 114, in application\n'
            "    response = frappe.api.handle(request)\n%s\n" % last_line)


def throw(text, title="Message", kind="ValidationError", erpnext=True):
    """A validation that ERPNext's own code does."""
    raise FrappeError(kind, text, title=title, erpnext=erpnext)


def missing_document(doctype, name):
    return FrappeError("DoesNotExistError", "%s %s not found" % (doctype, name), only=("exc_type", "_server_messages"))


def not_permitted(user, doctype, action):
    """A list is refused in one sentence, a document in two; some of it is in _error_message as well."""
    text = ("User <strong>%s</strong> does not have doctype access via role permission for document"
            " <strong>%s</strong>" % (user, doctype))
    error_message = None
    if action == "list":
        error_message = "No permission for %s" % doctype
    else:
        text += "<br>User <strong>%s</strong> does not have access to this document" % user
    if action in ("create", "write"):
        error_message = "Insufficient Permission for %s (<strong>%s</strong>)" % (doctype, action)
    return FrappeError("PermissionError", "", messages=[note(text)], error_message=error_message)


def duplicate(doctype, name, label=None):
    text = "('%s', %s, IntegrityError(1062, \"Duplicate entry %s for key 'PRIMARY'\"))" % (
        doctype, quoted(name), quoted(name))
    shown = message("%s <strong>%s</strong> already exists" % (label or doctype, name), "Duplicate Name", raised=False)
    return FrappeError("DuplicateEntryError", text, messages=[shown])


def not_unique(doctype, name, field, label, value):
    text = "('%s', '%s', IntegrityError(1062, \"Duplicate entry '%s' for key '%s'\"))" % (doctype, name, value, field)
    return FrappeError("UniqueValidationError", text, messages=[note("%s must be unique" % label)])


def uncaught(kind, text, erpnext=False):
    """An exception of Python itself: status 500, nothing in _server_messages."""
    return FrappeError(kind, text, messages=[], erpnext=erpnext)


def deadlock(erpnext=True):
    return FrappeError("QueryDeadlockError", DEADLOCK, messages=[], erpnext=erpnext)


def quoted(text):
    return "'%s'" % text
