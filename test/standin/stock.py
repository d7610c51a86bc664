"""Stock: bins, Stock Entry, Stock Reconciliation, and the deletion of a company's transactions."""

import doctypes
from errors import FrappeError, note, throw
from lifecycle import on

NOTHING = {"actual_qty": 0.0, "valuation_rate": 0.0}
TRANSACTIONS = ("POS Invoice", "Sales Invoice", "POS Opening Entry", "Stock Entry", "Stock Reconciliation", "GL Entry")
KEPT = ("Account", "Cost Center", "Warehouse", "Budget", "Party Account", "Employee", "Sales Taxes and Charges Template",
        "Purchase Taxes and Charges Template", "POS Profile", "BOM", "Company", "Bank Account", "Item Tax Template",
        "Mode of Payment", "Mode of Payment Account", "Item Default", "Customer", "Supplier")
DELETION_FLAGS = ("delete_bin_data", "delete_leads_and_addresses", "reset_company_default_values",
                  "clear_notifications", "initialize_doctypes_table", "delete_transactions")


def bin_of(site, item, warehouse):
    for found in site.where("Bin", "item_code", item):
        if found["warehouse"] == warehouse:
            return found
    return None


def stock_of(site, item, warehouse):
    return bin_of(site, item, warehouse) or NOTHING


def move(site, item, warehouse, quantity, rate=None):
    """Change a bin by a quantity; the bin is made when there is none."""
    found = bin_of(site, item, warehouse)
    if found is None:
        found = doctypes.blank("Bin", site, site.hash_name())
        found.update(item_code=item, warehouse=warehouse, stock_uom=site.get("Item", item)["stock_uom"])
    rate = found["valuation_rate"] if rate is None else rate
    total = found["actual_qty"] + quantity
    site.change(found, actual_qty=total, projected_qty=total, valuation_rate=rate, stock_value=total * rate)


def check_fiscal_year(site, document):
    date = str(document["posting_date"])
    for year in site.table("Fiscal Year").values():
        if not year["disabled"] and str(year["year_start_date"]) <= date <= str(year["year_end_date"]):
            return
    text = "Date %s is not in any active Fiscal Year for <strong>%s</strong>" % (
        "-".join(reversed(date.split("-"))), document["company"])
    raise FrappeError("FiscalYearError", text, messages=[note(text)], erpnext=True)


# -- Stock Entry

@on("defaults", "Stock Entry", "Stock Reconciliation", "POS Invoice", "Sales Invoice")
def set_posting(site, document, old):
    if not document.get("set_posting_time") or not document.get("posting_date"):
        document["posting_date"] = site.today()
        document["posting_time"] = site.now()[11:]


@on("validate", "Stock Entry")
def complete_entry(site, entry, old):
    kind = site.get("Stock Entry Type", entry.get("stock_entry_type"))
    entry["purpose"] = kind["purpose"] if kind else None
    company = site.get("Company", entry["company"])
    for number, row in enumerate(entry["items"], 1):
        check_warehouses(entry, row, number)
    if entry["items"]:
        check_fiscal_year(site, entry)
    entry["items"] = [complete_row(site, row, company) for row in entry["items"]]
    total = sum(row["amount"] for row in entry["items"] if row.get("t_warehouse"))
    entry.update(total_incoming_value=total, value_difference=total, total_amount=total)


def check_warehouses(entry, row, number):
    """An unknown type has no purpose, and then a source is asked for: the recorded answer on a bare site."""
    if entry["purpose"] != "Material Receipt" and not row.get("s_warehouse"):
        throw("Source warehouse is mandatory for row %d" % number)
    if entry["purpose"] in ("Material Receipt", "Material Transfer") and not row.get("t_warehouse"):
        throw("Target warehouse is mandatory for row %d" % number)


def complete_row(site, row, company):
    item = site.get("Item", row["item_code"])
    rate = row["basic_rate"]
    return dict(row, item_name=item["item_name"], description=item["description"], item_group=item["item_group"],
                uom=item["stock_uom"], stock_uom=item["stock_uom"], transfer_qty=row["qty"], valuation_rate=rate,
                basic_amount=rate * row["qty"], amount=rate * row["qty"],
                expense_account=row.get("expense_account") or company["stock_adjustment_account"],
                cost_center=row.get("cost_center") or company["cost_center"])


@on("submit", "Stock Entry")
def post_entry(site, entry, old):
    book(site, entry, 1)
    post_ledger(site, entry, 1)


@on("cancel", "Stock Entry")
def unpost_entry(site, entry, old):
    book(site, entry, -1)
    post_ledger(site, entry, -1)


def post_ledger(site, entry, sign):
    """Ledger rows are never removed: a cancellation adds the opposite ones."""
    company = site.get("Company", entry["company"])
    value = sign * entry["total_incoming_value"]
    if not company["enable_perpetual_inventory"] or not value:
        return
    for account, amount in ((company["default_inventory_account"], value), (company["stock_adjustment_account"], -value)):
        row = doctypes.blank("GL Entry", site, site.hash_name())
        row.update(account=account, debit=max(amount, 0.0), credit=max(-amount, 0.0), voucher_type="Stock Entry",
                   voucher_no=entry["name"], company=entry["company"], posting_date=entry["posting_date"],
                   cost_center=company["cost_center"])
        site.put(row)


def book(site, entry, sign):
    for row in entry["items"]:
        if row.get("s_warehouse"):
            move(site, row["item_code"], row["s_warehouse"], -sign * row["qty"])
        if row.get("t_warehouse"):
            move(site, row["item_code"], row["t_warehouse"], sign * row["qty"], row["valuation_rate"])


# -- Stock Reconciliation

@on("validate", "Stock Reconciliation")
def complete_reconciliation(site, document, old):
    rows = []
    for row in document["items"]:
        item, current = site.get("Item", row["item_code"]), stock_of(site, row["item_code"], row["warehouse"])
        if current["actual_qty"] == row["qty"] and current["valuation_rate"] == row["valuation_rate"]:
            continue
        amount = row["qty"] * row["valuation_rate"]
        before = current["actual_qty"] * current["valuation_rate"]
        rows.append(dict(row, item_name=item["item_name"], item_group=item["item_group"], amount=amount,
                         current_qty=current["actual_qty"], current_valuation_rate=current["valuation_rate"],
                         current_amount=before, quantity_difference=row["qty"] - current["actual_qty"],
                         amount_difference=amount - before))
    if document["items"] and not rows:
        throw("None of the items have any change in quantity or value.", kind="EmptyStockReconciliationItemsError")
    if rows:
        check_fiscal_year(site, document)
    document.update(items=rows, difference_amount=sum(row["amount_difference"] for row in rows))


@on("submit", "Stock Reconciliation")
def post_reconciliation(site, document, old):
    for row in document["items"]:
        move(site, row["item_code"], row["warehouse"], row["quantity_difference"], row["valuation_rate"])


# -- Transaction Deletion Record

@on("insert", "Transaction Deletion Record")
def list_kept_doctypes(site, record, old):
    rows = [dict(doctypes.blank("Transaction Deletion Record Item", site, site.hash_name()), doctype_name=name,
                 parent=record["name"], parentfield="doctypes_to_be_ignored", parenttype=record["doctype"], idx=number,
                 docstatus=record["docstatus"]) for number, name in enumerate(KEPT, 1)]
    site.put(dict(record, status="Queued", doctypes_to_be_ignored=rows))


@on("method:start_deletion_tasks", "Transaction Deletion Record")
def start_deletion(site, record, old):
    """The work is a background job on the real server: the answer comes before it is done."""
    site.change(record, status="Running")
    site.schedule(site.job_seconds, lambda: finish_deletion(site, record))


def finish_deletion(site, record):
    company = record["company"]
    counts = []
    for doctype in TRANSACTIONS:
        found = site.where(doctype, "company", company)
        counts.append((doctype, len(found)))
        for document in found:
            site.remove(document)
    for warehouse in site.where("Warehouse", "company", company):
        for found in site.where("Bin", "warehouse", warehouse["name"]):
            site.remove(found)
    rows = [dict(doctypes.blank("Transaction Deletion Record Details", site, site.hash_name()), doctype_name=doctype,
                 no_of_docs=number, parent=record["name"], parentfield="doctypes", parenttype=record["doctype"])
            for doctype, number in counts if number]
    current = site.get(record["doctype"], record["name"])
    site.change(current, status="Completed", doctypes=rows, **{flag: 1 for flag in DELETION_FLAGS})
