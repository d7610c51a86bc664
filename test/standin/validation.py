"""Checks that hold for every DocType: links, mandatory fields, selects, lengths, uniqueness, constants."""

import doctypes
from errors import FrappeError, note, not_unique, uncaught

MAX_LENGTH = 140

# Fields that are long texts in the database, so that the 140 characters of a Data field do not bind them.
LONG_TEXT = {"description", "item_description", "remarks", "company_description", "registration_details", "options",
             "customer_details", "primary_address", "onboarding_status", "default", "depends_on"}


def assign(site, document, values):
    """Take over the known fields of a body; what is unknown is dropped without a word."""
    doctype = document["doctype"]
    known, tables = doctypes.fields(doctype), doctypes.children(doctype)
    custom = site.custom_fields.get(doctype, {})
    for field, value in values.items():
        if field in tables:
            document[field] = child_rows(site, document, field, tables[field], value)
        elif field in known:
            document[field] = convert(value, known[field])
        elif field in custom:
            document[field] = value
        elif field == "docstatus":
            document[field] = convert(value, 0)


def convert(value, default):
    """Frappe casts numbers on the way in; text that is no number becomes 0."""
    if value is None or isinstance(default, str) or default is None:
        return value
    try:
        return int(float(value)) if isinstance(default, int) else float(value)
    except (TypeError, ValueError):
        return type(default)(0)


def child_rows(site, document, field, child, rows):
    if isinstance(rows, str):
        raise uncaught("TypeError", "'str' object does not support item assignment")
    result = []
    for number, given in enumerate(rows or [], 1):
        if not isinstance(given, dict):
            raise uncaught("TypeError", "'%s' object does not support item assignment" % type(given).__name__)
        row = {"name": given.get("name") or site.hash_name(), "docstatus": 0, "idx": number}
        if child in doctypes.SCHEMAS:
            row.update(doctypes.blank(child, site, row["name"]), idx=number)
            assign(site, row, given)
        row["parentfield"], row["parenttype"] = field, document["doctype"]
        result.append(row)
    return result


def adopt_rows(site, document):
    """Child rows carry their parent's name and docstatus."""
    for field in doctypes.children(document["doctype"]):
        document[field] = [dict(row, parent=document["name"], docstatus=document["docstatus"], idx=number)
                           for number, row in enumerate(document.get(field) or [], 1)]


def apply_user_defaults(site, document):
    """The default company of the site goes into every empty company field, as a user default."""
    defaults = site.single("Global Defaults")
    known = doctypes.fields(document["doctype"])
    if "company" in known and not document.get("company"):
        document["company"] = defaults.get("default_company") or None
    if document["doctype"] in ("Company", "POS Profile") and not document.get("country"):
        document["country"] = defaults.get("country")
    if document["doctype"] in ("POS Profile", "POS Invoice", "Sales Invoice") and not document.get("currency"):
        document["currency"] = defaults.get("default_currency")


# -- links

def check_links(site, document):
    """One error names every link that leads nowhere, the document's own first."""
    broken = broken_links(site, document, "")
    for field in doctypes.children(document["doctype"]):
        for number, row in enumerate(document.get(field) or [], 1):
            if "doctype" in row:
                broken += broken_links(site, row, "Row #%d: " % number)
    if broken:
        raise FrappeError("LinkValidationError", "Could not find " + ", ".join(broken))


def broken_links(site, document, prefix):
    doctype = document["doctype"]
    links = doctypes.LINKS.get(doctype, {})
    broken = []
    for field in doctypes.fields(doctype):
        target, value = links.get(field), document.get(field)
        if target is None or value is None or value == "":
            continue
        found = doctype_document(value) if target == "DocType" else site.get(target, value)
        if found is None:
            broken.append("%s%s: %s" % (prefix, doctypes.label(doctype, field), value))
        elif target != "DocType" and found["name"] != value:
            document[field] = found["name"]         # Frappe corrects the case of a link
    return broken


def doctype_document(name):
    return {"name": name} if doctypes.exists(name) else None


# -- values

def check_values(site, document):
    check_mandatory(document)
    check_selects(document)
    check_lengths(document)


def check_mandatory(document):
    doctype = document["doctype"]
    missing = [(field, missing_text(doctype, field)) for field in doctypes.REQUIRED.get(doctype, ())
               if document.get(field) in (None, "", [])]
    for field, child in doctypes.children(doctype).items():
        for number, row in enumerate(document[field], 1):
            missing += [(name, "Error: Value missing for %s Row #%d: %s" % (child, number, doctypes.label(child, name)))
                        for name in doctypes.REQUIRED.get(child, ()) if row.get(name) in (None, "")]
    if missing:
        text = "[%s, %s]: %s" % (doctype, document["name"], ", ".join(field for field, text in missing))
        raise FrappeError("MandatoryError", text, messages=[note(text) for field, text in missing])


def missing_text(doctype, field):
    if field in doctypes.children(doctype):
        return "Error: Data missing in table: %s" % doctypes.label(doctype, field)
    return "Error: Value missing for %s: %s" % (doctype, doctypes.label(doctype, field))


def check_selects(document):
    doctype = document["doctype"]
    for field, options in doctypes.SELECTS.get(doctype, {}).items():
        value = document.get(field)
        if value and value not in options:
            raise FrappeError("ValidationError", ' %s cannot be "%s". It should be one of %s' % (
                doctypes.label(doctype, field), value, ", ".join('"%s"' % option for option in options)))


def check_lengths(document):
    doctype, known = document["doctype"], doctypes.fields(document["doctype"])
    for field in known:
        value = document.get(field)
        if isinstance(value, str) and len(value) > MAX_LENGTH and field not in LONG_TEXT:
            raise FrappeError("CharacterLengthExceededError", (
                "%s %s: '<strong>%s</strong>' (%s) will get truncated, as max characters allowed is %d" % (
                    doctype, document["name"], doctypes.label(doctype, field), value, MAX_LENGTH)), title="Value too big")
    if len(document["name"]) > MAX_LENGTH:
        raise FrappeError("ColumnTooLong", "(1406, \"Data too long for column 'name' at row 1\")", messages=[],
                          erpnext=True)


def check_unique(site, document):
    """Custom fields declared unique; null and the empty text do not count."""
    doctype = document["doctype"]
    for field, rule in site.custom_fields.get(doctype, {}).items():
        value = document.get(field)
        if not rule["unique"] or value in (None, ""):
            continue
        if any(other["name"] != document["name"] for other in site.where(doctype, field, value)):
            raise not_unique(doctype, document["name"], field, rule["label"], value)


def check_constants(old, document):
    for field in doctypes.CONSTANT.get(document["doctype"], ()):
        if old.get(field) and document.get(field) != old[field]:
            raise FrappeError("CannotChangeConstantError", "Value cannot be changed for <strong>%s</strong>" % (
                doctypes.label(document["doctype"], field)))


def check_after_submit(old, document):
    for field in doctypes.fields(document["doctype"]):
        if document.get(field) != old.get(field):
            raise FrappeError("UpdateAfterSubmitError", (
                " Not allowed to change <strong>%s</strong> after submission from <strong>%s</strong> to"
                " <strong>%s</strong>" % (doctypes.label(document["doctype"], field), old.get(field),
                                          document.get(field))), title="Cannot Update After Submit")
