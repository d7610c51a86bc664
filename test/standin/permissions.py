"""Users, their keys and what their roles allow."""

import base64
import binascii

from common import sessions
from errors import FrappeError, message, not_permitted

MANAGERS = {"System Manager"}
ACTIONS = {"read", "write", "create", "delete", "submit", "cancel"}

# DocType: (roles that may write, further roles that may read). Others need System Manager.
RULES = {
    "Company": ({"System Manager", "Accounts Manager"}, {"Accounts User", "Sales User", "Stock User", "Item Manager"}),
    "Account": ({"Accounts Manager"}, {"Accounts User", "Sales User", "Auditor"}),
    "Cost Center": ({"Accounts Manager"}, {"Accounts User", "Auditor"}),
    "Warehouse": ({"Item Manager", "Stock Manager"}, {"Stock User", "Sales User", "Accounts User"}),
    "Warehouse Type": ({"System Manager"}, {"Stock User", "Stock Manager"}),
    "Mode of Payment": ({"Accounts Manager"}, {"Accounts User"}),
    "Item": ({"Item Manager"}, {"Stock Manager", "Stock User", "Sales User", "Accounts User"}),
    "Item Price": ({"Sales Master Manager", "Purchase Master Manager"}, {"Sales User", "Stock User", "Item Manager"}),
    "Item Group": ({"Item Manager"}, {"Stock User", "Sales User", "Accounts User"}),
    "Price List": ({"Sales Master Manager", "Purchase Master Manager"}, {"Sales User", "Stock User"}),
    "UOM": ({"Item Manager"}, {"Stock Manager", "Stock User"}),
    "Customer": ({"Sales Master Manager", "Sales User"}, {"Sales Manager", "Stock User", "Accounts User"}),
    "Customer Group": ({"Sales Master Manager"}, {"Sales User", "Sales Manager"}),
    "Territory": ({"Sales Master Manager"}, {"Sales User", "Sales Manager", "Stock User"}),
    "Stock Settings": ({"Stock Manager"}, {"Stock User"}),
    "Stock Entry": ({"Stock Manager", "Stock User"}, set()),
    "Stock Reconciliation": ({"Stock Manager"}, set()),
    "Stock Entry Type": ({"Stock Manager", "Manufacturing Manager"}, {"Stock User"}),
    "Bin": (set(), {"Stock User", "Sales User"}),
    "GL Entry": (set(), {"Accounts User", "Accounts Manager", "Auditor"}),
    "POS Profile": ({"Accounts Manager"}, {"Accounts User", "Sales User"}),
    "POS Opening Entry": ({"System Manager", "Sales User", "Accounts Manager"}, set()),
    "POS Invoice": ({"Accounts Manager", "Accounts User"}, set()),
    "Sales Invoice": ({"Accounts Manager", "Accounts User"}, set()),
    "Fiscal Year": ({"System Manager"}, {"Accounts User", "Sales User", "Stock User"}),
    "Party Type": ({"System Manager"}, {"Accounts User", "Accounts Manager"}),
}
READABLE_BY_ALL = {"Currency", "Country", "Gender"}


class User:
    """A user of one site."""

    def __init__(self, name, key, secret, roles):
        self.name = name
        self.key = key
        self.secret = secret
        self.roles = set(roles)
        self.is_administrator = name == "Administrator"
        self.denied = set()         # (DocType, action) that a test took away, as custom permissions do

    def may(self, doctype, action):
        if (doctype, "read" if action == "list" else action) in self.denied:
            return False
        if self.is_administrator or doctype in READABLE_BY_ALL and action in ("read", "list"):
            return True
        writers, readers = RULES.get(doctype, (MANAGERS, MANAGERS))
        allowed = writers | readers if action in ("read", "list") else writers
        return bool(self.roles & allowed)


GUEST = User("Guest", None, None, ())


def check_permission(site, user, doctype, action, name=None):
    """Raise what the real server says to a user whose roles do not allow this."""
    if user.may(doctype, action):
        return
    error = not_permitted(user.name, doctype, action)
    if action == "delete":
        text = "User not allowed to delete %s: %s" % (doctype, name)
        shown = error.messages + [message(text)]
        error = FrappeError("PermissionError", text, messages=shown)
    raise error


def refuse_method(name):
    text = ("<details><summary>You are not permitted to access this resource.</summary>Function <strong>%s</strong>"
            " is not whitelisted.</details>" % name)
    return FrappeError("PermissionError", text, title="Method Not Allowed")


def authenticate(site, headers):
    """The user behind an Authorization header, 401 for a wrong one; without it the one of the cookie's session, or Guest."""
    header = headers.get("authorization")
    if not header:
        return user_of_session(site, session_of(headers)) or GUEST
    key, secret = credentials(header)
    user = site.users.get(key)
    if user is None or user.secret != secret:
        raise FrappeError("AuthenticationError", "", messages=[])
    return user


def session_of(headers):
    cookies = dict(pair.strip().partition("=")[::2] for pair in headers.get("cookie", "").split(";"))
    return cookies.get("sid", "")


def user_of_session(site, sid):
    """What the user may do is what the User document says; the CSRF token is asked for only where a desk page was opened."""
    name = None if sid in site.ended_sessions else sessions.user_of(sid, site.name, [row["name"] for row in site.table("User").values()])
    known = next((user for user in site.users.values() if user.name == name), None)
    return known or (User(name, None, None, roles_of(site, name)) if name else None)


def roles_of(site, name):
    return [row["role"] for row in site.get("User", name)["roles"]]


def credentials(header):
    """key and secret of "token key:secret" or Basic; (None, None) when it is neither."""
    scheme, _, rest = header.partition(" ")
    scheme = scheme.lower()
    if scheme == "basic":
        try:
            rest = base64.b64decode(rest, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return None, None
    elif scheme != "token":
        return None, None
    key, colon, secret = rest.strip().partition(":")
    return (key, secret) if colon else (None, None)


def add_user(site, name, key, secret, roles):
    """A user with a key: in the key table for authentication and as a User document for links."""
    user = site.users[key] = User(name, key, secret, roles)
    return user
