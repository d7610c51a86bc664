"""What the control API offers for ERPNext beside what it offers for every stand-in."""

import doctypes
import lifecycle
from errors import FrappeError
from fixtures import ADMINISTRATOR, PROVISIONING_ROLES
from permissions import ACTIONS, add_user


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
    except FrappeError as error:
        site.rollback()
        raise ValueError(str(error)) from error
    except Exception:
        site.rollback()
        raise


def names(gateway, body, query):
    """Every document there is, by site and DocType."""
    return {name: {doctype: sorted(document["name"] for document in table.values())
                   for doctype, table in site.tables.items() if table} for name, site in gateway.sites.items()}


def user(gateway, body, query):
    """A user with a key; without roles given, those that suffice for provisioning."""
    site = site_of(gateway, body)
    roles = body.get("roles", PROVISIONING_ROLES)
    site.actor = "Administrator"
    if site.get("User", body["name"]) is None:
        insert(site, "User", {"email": body["name"], "first_name": body["name"]})
    add_user(site, body["name"], body["key"], body["secret"], roles)
    return {"name": body["name"], "roles": list(roles)}


def deny(gateway, body, query):
    """Takes permissions away from a user; an empty list gives them all back."""
    found = [known for known in site_of(gateway, body).users.values() if known.name == body["name"]]
    denied = {(doctype, action) for doctype, action in body["denied"]}
    if not found or any(not doctypes.exists(doctype) or action not in ACTIONS for doctype, action in denied):
        raise ValueError("no such user, document type or permission")
    for known in found:
        known.denied = denied
    return {"name": body["name"], "denied": sorted(denied)}


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
    ("GET", "names"): names, ("POST", "user"): user, ("POST", "deny"): deny, ("POST", "doc"): plant_document, ("GET", "doc"): read_document,
}
