"""How documents get their names."""

import doctypes
from errors import FrappeError, throw, uncaught


def set_name(site, document, values):
    """Name a new document as its DocType wants it and refuse names that are not allowed."""
    rule = doctypes.NAMING.get(document["doctype"], "hash")
    kind, _, argument = rule.partition(":")
    document["name"] = NAMERS[kind](site, document, values, argument)
    check_name(document["doctype"], document["name"])


def check_name(doctype, name):
    if "<" in name or ">" in name:
        raise FrappeError("NameError", "Name cannot contain special characters like '<', '>'")
    if name.startswith("New " + doctype):
        raise FrappeError("NameError", "There were some errors setting the name, please contact the administrator")


def by_field(site, document, values, field):
    value = document.get(field)
    if value is None or value == "":
        throw("%s is required" % doctypes.label(document["doctype"], field), erpnext=False)
    return str(value).strip()


def with_suffix(site, document, values, field):
    """"Main Store" of company ACME becomes "Main Store - ACME", once."""
    value, company = document.get(field), site.get("Company", document.get("company"))
    if field == "account_name" and document.get("account_number"):
        value = "%s - %s" % (document["account_number"], value)
    if company is None:
        return (value or "").strip()
    suffix = " - " + company["abbr"]
    if value is None or not isinstance(value, str):
        raise uncaught("AttributeError", "'%s' object has no attribute 'endswith'" % type(value).__name__, erpnext=True)
    return value.strip() if value.endswith(suffix) else (value + suffix).strip()


def by_prompt(site, document, values, argument):
    name = values.get("name")
    if not name:
        raise FrappeError("ValidationError", "Please set the document name")
    return str(name).strip()


def by_series(site, document, values, series):
    if series == "TDL":
        return site.next_in_series("TDL", 4)
    return site.next_in_series(series.replace(".YYYY.", site.today()[:4]))


def by_hash(site, document, values, argument):
    return site.hash_name()


def for_customer(site, document, values, argument):
    """A customer whose name is taken is called "name - 1", and a note says so."""
    wanted = document.get("customer_name")
    if not wanted:
        return site.next_in_series("CUST-%s-" % site.today()[:4])
    wanted = wanted.strip()
    if site.get("Customer", wanted) is None:
        return wanted
    number = 1
    while site.get("Customer", "%s - %d" % (wanted, number)) is not None:
        number += 1
    name = "%s - %d" % (wanted, number)
    site.add_note("Changed customer name to '%s' as '%s' already exists." % (name, wanted), "Note", "yellow")
    return name


def for_custom_field(site, document, values, argument):
    document["fieldname"] = document.get("fieldname") or (document.get("label") or "").lower().replace(" ", "_")
    return "%s-%s" % (document.get("dt"), document["fieldname"])


NAMERS = {"field": by_field, "suffix": with_suffix, "prompt": by_prompt, "series": by_series, "hash": by_hash,
          "customer": for_customer, "custom_field": for_custom_field}
