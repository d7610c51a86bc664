"""What forbids a deletion: other documents that link to the one to be deleted."""

import doctypes
from errors import FrappeError, message

# Checked first, in this order: it decides which document the error names.
FIRST = ("POS Opening Entry", "POS Profile", "User Permission", "Sales Invoice", "POS Invoice", "Stock Entry",
         "Stock Reconciliation")

# Belong to the document they link to, or are mere history, and so never forbid its deletion.
IGNORED = {
    "Company": {"Account", "Cost Center", "Warehouse", "Department", "Mode of Payment", "Item",
                "Transaction Deletion Record", "Global Defaults"},
    "Item": {"Item Price", "Bin"}, "Warehouse": {"Bin"},
}


def check_not_linked(site, document):
    """LinkExistsError that names the first document found."""
    for doctype, name in linking_documents(site, document):
        raise link_exists(document, doctype, name)


def link_exists(document, doctype, name):
    target, target_name = document["doctype"], document["name"]
    text = ('Cannot delete or cancel because %s <a href="/app/Form/%s/%s">%s</a> is linked with %s'
            ' <a href="/app/Form/%s/%s">%s</a> ' % (target, target, target_name, target_name, doctype,
                                                    doctype, name, name))
    messages = [message(text)]
    if "disabled" in doctypes.fields(target):
        text = "You can disable this %s instead of deleting it." % target
        messages.append(message(text))
    return FrappeError("LinkExistsError", text, messages=messages)


def linking_documents(site, document):
    for source, field, table in sources_of(document["doctype"]):
        linking = documents_with(site, source, field, table, document["name"])
        for found in sorted(linking, key=lambda found: found["modified"], reverse=True):
            if not (source == document["doctype"] and found["name"] == document["name"]):
                yield source, found["name"]
    for source, found in dynamic_links(site, document):
        yield source, found["name"]


def sources_of(target):
    """(DocType, field, child table or None) of every link to the target."""
    if target not in SOURCES:
        ignored = IGNORED.get(target, ())
        found = []
        for doctype in doctypes.SCHEMAS:
            if doctype in ignored:
                continue
            links = doctypes.LINKS.get(doctype, {})
            found += [(doctype, field, None) for field, to in links.items() if to == target]
            for table, child in doctypes.children(doctype).items():
                rows = doctypes.LINKS.get(child, {})
                found += [(doctype, field, table) for field, to in rows.items() if to == target]
        SOURCES[target] = sorted(found, key=lambda source: FIRST.index(source[0]) if source[0] in FIRST else len(FIRST))
    return SOURCES[target]


SOURCES = {}


def documents_with(site, doctype, field, table, name):
    if doctypes.is_single(doctype):
        single = site.single(doctype)
        return [single] if single.get(field) == name else []
    if table is None:
        return site.where(doctype, field, name)
    return [document for document in site.table(doctype).values()
            if any(row.get(field) == name for row in document[table])]


def dynamic_links(site, document):
    """Ledger rows name their voucher, user permissions name what they allow."""
    for entry in site.where("GL Entry", "voucher_no", document["name"]):
        if entry["voucher_type"] == document["doctype"]:
            yield "GL Entry", entry
    for entry in site.where("User Permission", "for_value", document["name"]):
        if entry["allow"] == document["doctype"]:
            yield "User Permission", entry
