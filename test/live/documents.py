"""What a tenant must have on the site after tenant_setup, and how it is removed again."""

import time

from erpnext import SiteError
from tap import note, ok, same


class Tenant:
    def __init__(self, name, company, abbr):
        self.name = name
        self.company = company
        self.abbr = abbr

    def config(self, **more):
        return dict({"company_name": self.company, "abbr": self.abbr, "country": "US", "demo_items": True,
                     "payment_methods": ["Cash", "Credit Card"], "opening_amount": 100}, **more)

    @property
    def profile(self):
        return "POS - " + self.abbr

    @property
    def price_list(self):
        return "Selling - " + self.abbr

    @property
    def customer(self):
        return "Walk-in Customer - " + self.abbr


def check(site, tenant):
    check_company(site, tenant)
    check_stock(site, tenant)
    check_selling(site, tenant)


def check_company(site, tenant):
    company = site.document("Company", tenant.company) or {}
    same([company.get(key) for key in ("abbr", "default_currency", "country")], [tenant.abbr, "USD", "United States"],
         "%s: the company, as its config says" % tenant.name)
    missing = [key for key in ("default_cash_account", "default_receivable_account", "default_income_account", "write_off_account",
                               "round_off_account", "cost_center", "default_bank_account") if not company.get(key)]
    ok(not missing, "%s: its default accounts are set" % tenant.name, *missing)
    for method in ("Cash", "Credit Card"):
        rows = [row for row in site.document("Mode of Payment", method)["accounts"] if row["company"] == tenant.company]
        same(len(rows), 1, "%s: one account behind %s" % (tenant.name, method))


def check_stock(site, tenant):
    warehouses = [row["warehouse_name"] for row in site.list("Warehouse", [["company", "=", tenant.company]], ("name", "warehouse_name"))]
    same([warehouses.count(name) for name in ("Main Store", "POS Store")], [1, 1], "%s: each warehouse once" % tenant.name)
    items = items_of(site, tenant)
    same(len(items), 3, "%s: three items" % tenant.name)
    same(sorted(row["item_code"] for row in site.list("Item Price", [["price_list", "=", tenant.price_list]], ("name", "item_code"))), items,
         "%s: each has one price in the tenant's list" % tenant.name)
    receipts = site.list("Stock Entry", [["company", "=", tenant.company]], ("name", "docstatus", "provision_key"))
    same([row["docstatus"] for row in receipts], [1], "%s: one opening stock, submitted" % tenant.name)
    ok(all(row["provision_key"] for row in receipts), "%s: … under a key of ours" % tenant.name, *receipts)
    stock = site.list("Bin", [["item_code", "in", items or [""]], ["warehouse", "=", "POS Store - " + tenant.abbr]], ("name", "actual_qty"))
    same(sorted(row["actual_qty"] for row in stock), [50, 100, 200], "%s: the goods are where they are sold" % tenant.name)


def check_selling(site, tenant):
    customers = site.list("Customer", [["customer_name", "like", tenant.customer + "%"]])
    same([row["name"] for row in customers], [tenant.customer], "%s: one customer" % tenant.name)
    profile = site.document("POS Profile", tenant.profile) or {}
    same([profile.get(key) for key in ("company", "warehouse", "customer", "selling_price_list", "disabled")],
         [tenant.company, "POS Store - " + tenant.abbr, tenant.customer, tenant.price_list, 0], "%s: the POS Profile" % tenant.name)
    same([row["mode_of_payment"] for row in profile.get("payments", [])], ["Cash", "Credit Card"], "%s: its payment methods" % tenant.name)
    sessions = site.list("POS Opening Entry", [["pos_profile", "=", tenant.profile]], ("name", "status", "docstatus"))
    same([(row["status"], row["docstatus"]) for row in sessions], [("Open", 1)], "%s: one open session" % tenant.name)


def items_of(site, tenant):
    return sorted(site.names("Item", ["item_code", "like", tenant.abbr + "-%"]))


def owned(site, tenant):
    """In the order in which they can be removed once the company has no transactions."""
    found = [("POS Profile", name) for name in site.names("POS Profile", ["company", "=", tenant.company])]
    found += [("Customer", name) for name in site.names("Customer", ["customer_name", "like", tenant.customer + "%"])]
    found += [("Item", name) for name in items_of(site, tenant)]
    found += [("Price List", name) for name in site.names("Price List", ["name", "=", tenant.price_list])]
    return found + [("Company", name) for name in site.names("Company", ["name", "=", tenant.company])]


def list_left(site, tenants):
    note("Left in place (CLEANUP=1 removes them; a company takes its accounts, warehouses and transactions along):")
    for tenant in tenants:
        note(*("  %s: %s" % document for document in owned(site, tenant)))


def remove(site, tenant):
    """ERPNext deletes no company that has postings; it has a document that removes all transactions of one."""
    problems = []
    if site.document("Company", tenant.company):
        problems += remove_transactions(site, tenant)
    for doctype, name in owned(site, tenant):
        try:
            site.remove(doctype, name)
        except SiteError as error:
            problems.append("%s %s: %s" % (doctype, name, error))
    ok(not problems and not owned(site, tenant), "%s: its documents are removed" % tenant.name, *problems)


def remove_transactions(site, tenant, seconds=180):
    try:
        record = site.create("Transaction Deletion Record", company=tenant.company, docstatus=1)["name"]
        site.run("Transaction Deletion Record", record, "start_deletion_tasks")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = site.document("Transaction Deletion Record", record)["status"]
            if status in ("Completed", "Failed", "Cancelled"):
                break
            time.sleep(0.5)
        return [] if status == "Completed" else ["Transaction Deletion Record %s is %s: does the site's background worker run?" % (record, status)]
    except SiteError as error:
        return ["Transaction Deletion Record: %s" % error]
