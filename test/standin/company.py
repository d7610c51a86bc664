"""Company: what its creation makes, what its deletion takes with it."""

import json

import doctypes
from deletion import link_exists
from errors import FrappeError, deadlock, throw, uncaught
from lifecycle import on

CHART = json.loads((doctypes.DATA / "chart.json").read_text(encoding="utf-8"))
FIXTURES = json.loads((doctypes.DATA / "fixtures.json").read_text(encoding="utf-8"))
CHARTS = ("Standard", "Standard with Numbers")
REPORTS = {"Asset": "Balance Sheet", "Liability": "Balance Sheet", "Equity": "Balance Sheet",
           "Income": "Profit and Loss", "Expense": "Profit and Loss"}

# Company field: account that becomes its default.
EARLY_DEFAULTS = {"default_receivable_account": "Debtors", "default_payable_account": "Creditors"}
REPAIRED_BY_SAVE = {"write_off_account": "Write Off", "default_income_account": "Sales",
                    "exchange_gain_loss_account": "Exchange Gain/Loss",
                    "disposal_account": "Gain/Loss on Asset Disposal"}
DEFAULTS = {
    **EARLY_DEFAULTS, **REPAIRED_BY_SAVE, "default_cash_account": "Cash", "default_expense_account": "Cost of Goods Sold",
    "round_off_account": "Round Off", "accumulated_depreciation_account": "Accumulated Depreciation",
    "depreciation_expense_account": "Depreciation",
    "expenses_included_in_asset_valuation": "Expenses Included In Asset Valuation",
    "capital_work_in_progress_account": "CWIP Account",
    "asset_received_but_not_billed": "Asset Received But Not Billed", "default_inventory_account": "Stock In Hand",
    "stock_adjustment_account": "Stock Adjustment", "stock_received_but_not_billed": "Stock Received But Not Billed",
    "expenses_included_in_valuation": "Expenses Included In Valuation",
}
WAREHOUSES = ("Stores", "Work In Progress", "Finished Goods", "Goods In Transit")


@on("validate", "Company")
def check_abbreviation(site, company, old):
    if not company.get("abbr"):
        company["abbr"] = "".join(word[0] for word in company["company_name"].split()).upper()
    company["abbr"] = company["abbr"].strip()
    for other in site.table("Company").values():
        if other["abbr"].casefold() == company["abbr"].casefold() and not same_company(other, company):
            throw("Abbreviation already used for another company")


def same_company(one, other):
    return one["name"].casefold() == other["name"].casefold()


@on("validate", "Company")
def refuse_change_of_currency(site, company, old):
    if old and old["default_currency"] != company["default_currency"]:
        throw("<strong>Default Bank Account</strong> currency must be same as company's default currency."
              " Please select another account.")


@on("insert", "Company")
def make_everything(site, company, old):
    """One transaction on the real server too: accounts, cost centres, warehouses, departments, defaults."""
    half_made = site.in_flight.pop("half made company", False)
    make_accounts(site, company, half_made)
    make_cost_centers(site, company)
    make_warehouses(site, company)
    make_departments(site, company)
    set_defaults(site, company, EARLY_DEFAULTS if half_made else DEFAULTS)
    add_regional_fields(site, company["country"])
    if not half_made:
        enable_currency(site, company)
        add_to_cash(site, company)


def plant(site, doctype, name, **fields):
    document = doctypes.blank(doctype, site, name)
    document.update(fields)
    site.put(document)
    return document


def account_name(company, row, numbered):
    parts = [row[5]] if numbered else []
    return " - ".join(parts + [row[0], company["abbr"]])


def make_accounts(site, company, half_made):
    chart = company.get("chart_of_accounts") or CHARTS[0]
    if chart not in CHARTS:
        raise uncaught("IndexError", "list index out of range", erpnext=True)
    rows = CHART["accounts"] + ([] if half_made else tax_rows(company))
    numbered = chart == CHARTS[1]
    if numbered:
        rows = [row for row in rows if row[0] != "Impairment"]     # one fewer: 83 accounts in the United States
    names = {row[0]: account_name(company, row, numbered and row[5]) for row in rows}
    for row in rows:
        plant(site, "Account", names[row[0]], account_name=row[0], parent_account=names.get(row[1]),
              account_type=row[2], root_type=row[3], report_type=REPORTS[row[3]], is_group=row[4],
              account_number=row[5] if numbered else None, company=company["name"],
              account_currency=company["default_currency"], old_parent=names.get(row[1]) or "")


def tax_rows(company):
    """Accounts that depend on the country's taxes; most countries have one."""
    names = CHART["taxes"].get(company["country"], ["VAT"])
    return [[name, "Duties and Taxes", "Tax", "Liability", 0, None] for name in names]


def make_cost_centers(site, company):
    root = "%s - %s" % (company["name"], company["abbr"])
    if len(root) > 140:
        raise FrappeError("ColumnTooLong", "(1406, \"Data too long for column 'name' at row 1\")", messages=[],
                          erpnext=True)
    plant(site, "Cost Center", root, cost_center_name=company["name"], company=company["name"], is_group=1)
    plant(site, "Cost Center", "Main - " + company["abbr"], cost_center_name="Main", company=company["name"],
          parent_cost_center=root, old_parent=root)


def make_warehouses(site, company):
    root = "All Warehouses - " + company["abbr"]
    if site.get("Warehouse Type", "Transit") is None:
        throw("Could not find Warehouse Type: Transit", kind="LinkValidationError")
    for name in ("All Warehouses",) + WAREHOUSES:
        full_name = "%s - %s" % (name, company["abbr"])
        if site.get("Warehouse", full_name) is None:
            is_root = full_name == root
            document = plant(site, "Warehouse", full_name, warehouse_name=name, company=company["name"],
                             is_group=int(is_root), parent_warehouse=None if is_root else root,
                             warehouse_type="Transit" if name == "Goods In Transit" else None,
                             lft=site.next_in_tree(), old_parent="" if is_root else root)
            document["rgt"] = document["lft"] + 1


def make_departments(site, company):
    for name in FIXTURES["departments"]:
        plant(site, "Department", "%s - %s" % (name, company["abbr"]), department_name=name, company=company["name"],
              parent_department="All Departments")


def set_defaults(site, company, wanted):
    """The company's default accounts are looked up, because a numbered chart has other names."""
    names = {row["account_name"]: row["name"] for row in site.where("Account", "company", company["name"])}
    main = "Main - " + company["abbr"]
    values = {field: names[account] for field, account in wanted.items()}
    current = site.get("Company", company["name"])
    site.put(dict(current, cost_center=main, round_off_cost_center=main, depreciation_cost_center=main, **values))


def add_regional_fields(site, country):
    for doctype, fields in doctypes.REGIONAL.get(country, {}).items():
        for field, default in fields.items():
            if field not in site.custom_fields.get(doctype, {}):
                site.add_custom_field(doctype, field, doctypes.label(doctype, field), default=default)


def enable_currency(site, company):
    currency = site.get("Currency", company["default_currency"])
    if currency is not None and not currency["enabled"]:
        site.change(currency, enabled=1)


def add_to_cash(site, company):
    """Append the company to the shared Mode of Payment "Cash": where two creations at once collide."""
    cash = site.get("Mode of Payment", "Cash")
    account = site.get("Company", company["name"])["default_cash_account"]
    if cash is None or any(row["company"] == company["name"] for row in cash["accounts"]):
        return
    row = doctypes.blank("Mode of Payment Account", site, site.hash_name())
    row.update(company=company["name"], default_account=account, parent="Cash", parentfield="accounts",
               parenttype="Mode of Payment", idx=len(cash["accounts"]) + 1)
    site.change(cash, accounts=cash["accounts"] + [row])


def lost_race(site, winner):
    """What the loser of two overlapping creations is told: each of the two in about half of the cases."""
    if winner is None or site.random.random() < 0.5:
        return deadlock()
    cash = site.get("Mode of Payment", "Cash")
    number = len(cash["accounts"]) + 1 if cash else 1
    text = "Could not find Row #%d: Default Account: Cash - %s" % (number, winner)
    return FrappeError("LinkValidationError", text, erpnext=True)


@on("update", "Company")
def repair_some_defaults(site, company, old):
    """Saving a half-made company fills some of what is missing, not all."""
    if company["enable_perpetual_inventory"] and not company.get("default_inventory_account"):
        site.add_note("Set default inventory account for perpetual inventory", indicator="orange", alert=1)
    names = {row["account_name"]: row["name"] for row in site.where("Account", "company", company["name"])}
    missing = {field: names[account] for field, account in REPAIRED_BY_SAVE.items()
               if not company.get(field) and account in names}
    if missing:
        site.put(dict(company, **missing))


@on("trash", "Company")
def refuse_with_ledger(site, company, old):
    if site.where("GL Entry", "company", company["name"]):
        main = site.get("Cost Center", "Main - " + company["abbr"])
        raise link_exists(company, "Cost Center", main["name"])


@on("trash", "Company")
def take_along(site, company, old):
    """The cascade. Should a link forbid the deletion afterwards, the transaction puts all of it back."""
    for doctype in ("Account", "Cost Center", "Warehouse", "Department"):
        for document in site.where(doctype, "company", company["name"]):
            site.remove(document)
    drop_rows(site, "Mode of Payment", "accounts", company["name"])
    drop_rows(site, "Item", "item_defaults", company["name"])
    defaults = site.single("Global Defaults")
    if defaults.get("default_company") == company["name"]:
        site.change(defaults, default_company="")


def drop_rows(site, doctype, table, company):
    for document in list(site.table(doctype).values()):
        rows = [row for row in document[table] if row["company"] != company]
        if len(rows) != len(document[table]):
            site.change(document, **{table: rows})
