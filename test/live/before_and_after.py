"""What was on the site before must be there afterwards, as it was."""

from tap import ok

# Fields that nobody but a person changes: "modified" moves by itself on some of these.
KEPT = {
    "Company": ("abbr", "default_currency", "country", "default_cash_account", "default_bank_account"),
    "Warehouse": ("company", "parent_warehouse", "disabled"),
    "Customer": ("customer_name", "customer_group", "disabled"),
    "Item": ("item_name", "item_group", "disabled"),
    "Price List": ("currency", "enabled"),
    "POS Profile": ("company", "warehouse", "disabled"),
    "POS Opening Entry": ("company", "pos_profile", "status", "docstatus"),
    "Stock Entry": ("company", "docstatus"),
    "Fiscal Year": ("year_start_date", "year_end_date", "disabled"),
    "Mode of Payment": ("type", "enabled"),
    "Customer Group": ("parent_customer_group",),
    "Territory": ("parent_territory",),
    "Item Group": ("parent_item_group",),
}
SINGLES = ("Selling Settings", "Stock Settings", "Global Defaults")
# doc/workflows.md says why these two may be written over.
OURS = {"cust_master_name", "item_naming_by", "modified", "modified_by"}


def look(site):
    documents = {doctype: {row["name"]: row for row in site.list(doctype, fields=("name",) + fields)} for doctype, fields in KEPT.items()}
    accounts = {name: accounts_of(site, name) for name in documents["Mode of Payment"]}
    return {"documents": documents, "accounts": accounts, "singles": {name: site.document(name, name) for name in SINGLES}}


def accounts_of(site, method):
    return [(row["company"], row["default_account"]) for row in site.document("Mode of Payment", method).get("accounts", [])]


def compare(before, after):
    for doctype in KEPT:
        was, is_now = before["documents"][doctype], after["documents"][doctype]
        different = [name for name in was if is_now.get(name) != was[name]]
        ok(not different, "the site's own %s documents are unchanged (%d)" % (doctype, len(was)),
           *("%s was %s, is %s" % (name, was[name], is_now.get(name)) for name in different))
    lost = [(method, row) for method, table in before["accounts"].items() for row in table if row not in after["accounts"].get(method, [])]
    ok(not lost, "no payment method lost another company's account", *lost)
    # A site with neither country nor company counts in INR because nobody has said otherwise: there the currency is filled in.
    filled_in = OURS if before["singles"]["Global Defaults"].get("default_company") else OURS | {"default_currency"}
    for name in SINGLES:
        was, is_now = before["singles"][name], after["singles"][name]
        changed = [key for key, value in was.items() if not empty(value) and is_now.get(key) != value and key not in filled_in]
        ok(not changed, "%s: what was set is kept" % name, *("%s: %r became %r" % (key, was[key], is_now.get(key)) for key in changed))


def empty(value):
    return value in (None, "", 0, []) or isinstance(value, list)
