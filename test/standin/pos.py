"""Point of sale: POS Profile, POS Opening Entry, POS Invoice and Sales Invoice."""

import doctypes
from errors import throw, uncaught
from lifecycle import on
from masters import account_of
from stock import move, stock_of


# -- POS Profile

@on("validate", "POS Profile")
def check_profile(site, profile, old):
    company = site.get("Company", profile.get("company"))
    if company:
        profile["country"] = company["country"]
    profile["selling_price_list"] = profile.get("selling_price_list") or site.single_value(
        "Selling Settings", "selling_price_list")
    refuse_second_default_user(site, profile)
    check_belongs_to_company(site, profile)
    check_payments(site, profile)


def refuse_second_default_user(site, profile):
    users = {row["user"] for row in profile["applicable_for_users"] if row["default"]}
    if not users:
        return
    for other in site.where("POS Profile", "company", profile["company"]):
        for row in other["applicable_for_users"]:
            if other["name"] != profile["name"] and row["default"] and row["user"] in users:
                throw("Already set default in pos profile %s for user %s, kindly disabled default" % (
                    other["name"], row["user"]))


def check_belongs_to_company(site, profile):
    for doctype, fields in (("Account", ("income_account", "expense_account")),
                            ("Cost Center", ("cost_center", "write_off_cost_center")), ("Warehouse", ("warehouse",))):
        for field in fields:
            found = site.get(doctype, profile.get(field))
            if found and found["company"] != profile["company"]:
                throw("%s does not belong to Company %s" % (found["name"], profile["company"]))


def check_payments(site, profile):
    payments = profile["payments"]
    if not payments:
        throw("Payment methods are mandatory. Please add at least one payment method.")
    defaults = [row for row in payments if row["default"]]
    if not defaults:
        throw("Please select a default mode of payment")
    if len(defaults) > 1:
        throw("You can only select one mode of payment as default")
    for row in payments:
        account_of(site, row["mode_of_payment"], profile["company"])


# -- POS Opening Entry

@on("defaults", "POS Opening Entry")
def set_posting_date(site, entry, old):
    entry["posting_date"] = entry.get("posting_date") or site.today()


@on("validate", "POS Opening Entry")
def check_opening(site, entry, old):
    profile = site.get("POS Profile", entry.get("pos_profile"))
    if profile and profile["company"] != entry["company"]:
        throw("POS Profile %s does not belongs to company %s" % (profile["name"], entry["company"]))
    user = site.get("User", entry.get("user"))
    if user is None or not user["enabled"]:
        throw("User %s is disabled. Please select valid user/cashier" % entry.get("user"))
    for row in entry["balance_details"]:
        account_of(site, row["mode_of_payment"], entry["company"])
    entry["status"] = {0: "Draft", 1: "Open", 2: "Cancelled"}[entry["docstatus"]]


def open_sessions(site, profile):
    return [entry for entry in site.where("POS Opening Entry", "pos_profile", profile)
            if entry["docstatus"] == 1 and entry["status"] == "Open"]


# -- Invoices

@on("validate", "POS Invoice", "Sales Invoice")
def complete_invoice(site, invoice, old):
    if old is not None and invoice["docstatus"] != 0:
        return
    is_pos_invoice = invoice["doctype"] == "POS Invoice"
    profile = site.get("POS Profile", invoice.get("pos_profile"))
    fill_from_profile(site, invoice, profile)
    check_currency(site, invoice)
    price_items(site, invoice, profile)
    set_totals(site, invoice)
    if is_pos_invoice:
        check_session(site, invoice)
        if not invoice["payments"]:
            throw("At least one mode of payment is required for POS invoice.")
    if is_pos_invoice and old is None and invoice["docstatus"] == 1:
        # Totals are set only on a saved draft, and the real server compares them before that.
        raise uncaught("TypeError", "'<' not supported between instances of 'NoneType' and 'float'", erpnext=True)
    set_payments(site, invoice, one_shot=old is None and invoice["docstatus"] == 1)
    invoice["status"] = "Draft"


def check_session(site, invoice):
    if not open_sessions(site, invoice.get("pos_profile")):
        throw("No open POS Opening Entry found for POS Profile <strong>%s</strong>." % invoice.get("pos_profile"),
              title="POS Opening Entry Missing")


def fill_from_profile(site, invoice, profile):
    customer = site.get("Customer", invoice.get("customer"))
    company = site.get("Company", invoice["company"])
    today = site.today()
    values = {"posting_date": today, "posting_time": site.now()[11:], "due_date": today,
              "language": site.single_value("System Settings", "language"),
              "debit_to": company["default_receivable_account"], "party_account_currency": company["default_currency"],
              "account_for_change_amount": company["default_cash_account"],
              "selling_price_list": "Standard Selling" if site.get("Price List", "Standard Selling") else None}
    if invoice["doctype"] == "Sales Invoice":
        values.update(cost_center=(profile or {}).get("cost_center"), write_off_account=company["write_off_account"],
                      write_off_cost_center=company["cost_center"], against_income_account=company[
                          "default_income_account"])
    elif profile:
        values["set_warehouse"] = profile["warehouse"]
    if profile:
        values["selling_price_list"] = profile.get("selling_price_list") or values["selling_price_list"]
        invoice["customer"] = invoice.get("customer") or profile.get("customer")
    if customer:
        values.update(customer_name=customer["customer_name"], title=customer["customer_name"],
                      territory=customer.get("territory"), customer_group=customer.get("customer_group"))
    for field, value in values.items():
        if field in invoice and not invoice.get(field):
            invoice[field] = value


def check_currency(site, invoice):
    """Without network the server finds no exchange rate: needed when the invoice's currency is not the company's."""
    company = site.get("Company", invoice["company"])["default_currency"]
    text = "Unable to find exchange rate for %s to %s for key date %s. Please create a Currency Exchange record manually"
    if invoice["currency"] != company:
        site.add_note(text % (invoice["currency"], company, site.today()))
        refuse_without_rate(site, invoice["currency"], company)
    price_list = site.get("Price List", invoice.get("selling_price_list"))
    if price_list:
        invoice["price_list_currency"] = price_list["currency"]
        if price_list["currency"] != company:
            invoice["plc_conversion_rate"] = 0.0
            site.add_note(text % (price_list["currency"], company, site.today()))
            site.add_note(text % (price_list["currency"], company, site.today()))


def refuse_without_rate(site, source, target):
    text = "Exchange Rate is mandatory. Maybe Currency Exchange record is not created for %s to %s." % (source, target)
    throw(text)


def price_items(site, invoice, profile):
    company = site.get("Company", invoice["company"])
    rows = []
    for row in invoice["items"]:
        item = site.get("Item", row["item_code"])
        rate = row["rate"] or price_of(site, item, invoice.get("selling_price_list"))
        listed = price_of(site, item, invoice.get("selling_price_list")) or rate
        warehouse = row.get("warehouse") or invoice.get("set_warehouse") or (profile or {}).get("warehouse")
        available = stock_of(site, item["name"], warehouse)
        amount = rate * row["qty"]
        row = dict(row, item_name=item["item_name"], description=item["description"], item_group=item["item_group"],
                   stock_uom=item["stock_uom"], uom=item["stock_uom"], stock_qty=row["qty"], rate=rate, amount=amount,
                   base_rate=rate, base_amount=amount, net_rate=rate, net_amount=amount, base_net_rate=rate,
                   base_net_amount=amount, price_list_rate=listed, base_price_list_rate=listed, warehouse=warehouse,
                   income_account=(profile or {}).get("income_account") or company["default_income_account"],
                   expense_account=company["default_expense_account"], cost_center=company["cost_center"],
                   discount_amount=max(0.0, listed - rate), actual_qty=available["actual_qty"])
        if invoice["doctype"] == "Sales Invoice":
            row.update(stock_uom_rate=rate, incoming_rate=available["valuation_rate"])
        rows.append(row)
    invoice["items"] = rows


def price_of(site, item, price_list):
    for price in site.where("Item Price", "item_code", item["name"]):
        if price["price_list"] == price_list:
            return price["price_list_rate"]
    return 0.0


def set_totals(site, invoice):
    total = sum(row["amount"] for row in invoice["items"])
    invoice["total_qty"] = sum(row["qty"] for row in invoice["items"])
    for field in ("total", "net_total", "grand_total", "rounded_total"):
        invoice[field] = invoice["base_" + field] = total
    invoice["in_words"] = invoice["base_in_words"] = "%s %s only." % (invoice["currency"], total)


def set_payments(site, invoice, one_shot):
    """An invoice that is inserted and submitted in one request keeps its payments but counts none of them."""
    rows = []
    for row in invoice["payments"]:
        mode = site.get("Mode of Payment", row["mode_of_payment"])
        row = dict(row, type=mode["type"])
        if not one_shot:
            row.update(account=account_of(site, mode["name"], invoice["company"]), base_amount=row["amount"])
        rows.append(row)
    paid = 0.0 if one_shot else sum(row["amount"] for row in rows)
    invoice.update(payments=rows, paid_amount=paid, base_paid_amount=paid)
    if invoice["doctype"] == "Sales Invoice":
        if one_shot:
            invoice["remarks"] = invoice.get("remarks") or "No Remarks"
        invoice["amount_eligible_for_commission"] = invoice["grand_total"]
        invoice["outstanding_amount"] = 0.0


@on("submit", "POS Invoice")
def submit_pos_invoice(site, invoice, old):
    for number, row in enumerate(invoice["items"], 1):
        available = stock_of(site, row["item_code"], row["warehouse"])["actual_qty"]
        if row["qty"] > available and not site.single_value("Stock Settings", "allow_negative_stock"):
            throw("Row #%d: Item Code: <strong>%s</strong> is not available under warehouse <strong>%s</strong>." % (
                number, row["item_code"], row["warehouse"]), title="Item Unavailable")
    if invoice["paid_amount"] < invoice["grand_total"]:
        throw("Partial Payment in POS Invoice is not allowed.", kind="PartialPaymentValidationError")
    site.change(invoice, status="Paid", remarks=invoice.get("remarks") or "No Remarks")


@on("submit", "Sales Invoice")
def submit_sales_invoice(site, invoice, old):
    post_ledger(site, invoice)
    if invoice["update_stock"]:
        for row in invoice["items"]:
            move(site, row["item_code"], row["warehouse"], -row["qty"])
    outstanding = invoice["grand_total"] - invoice["paid_amount"]
    site.change(invoice, status="Paid" if outstanding <= 0 else "Unpaid", outstanding_amount=outstanding,
                remarks=invoice.get("remarks") or "No Remarks")


@on("cancel", "Sales Invoice", "POS Invoice")
def cancel_invoice(site, invoice, old):
    if invoice["doctype"] == "Sales Invoice" and invoice["update_stock"]:
        for row in invoice["items"]:
            move(site, row["item_code"], row["warehouse"], row["qty"])
    site.change(invoice, status="Cancelled")


def post_ledger(site, invoice):
    company = site.get("Company", invoice["company"])
    total, row = invoice["grand_total"], invoice["items"][0]
    rows = [(row["income_account"], 0.0, total), (invoice["debit_to"], total, 0.0)]
    if invoice["update_stock"]:
        cost = sum(stock_of(site, row["item_code"], row["warehouse"])["valuation_rate"] * row["qty"]
                   for row in invoice["items"])
        rows += [(company["default_inventory_account"], 0.0, cost), (row["expense_account"], cost, 0.0)]
    if invoice["paid_amount"]:
        rows += [(payment["account"], payment["amount"], 0.0) for payment in invoice["payments"]]
        rows.append((invoice["debit_to"], 0.0, invoice["paid_amount"]))
    for account, debit, credit in rows:
        entry = doctypes.blank("GL Entry", site, site.hash_name())
        entry.update(account=account, debit=debit, credit=credit, voucher_type=invoice["doctype"],
                     voucher_no=invoice["name"], company=invoice["company"], posting_date=invoice["posting_date"],
                     cost_center=company["cost_center"])
        site.put(entry)
