"""Rules of single DocTypes that are not about sales or stock."""

from urllib.parse import quote

import doctypes
from company import plant
from errors import FrappeError, throw, uncaught
from lifecycle import on


# -- Account

@on("defaults", "Account")
def inherit_from_parent(site, account, old):
    parent = site.get("Account", account.get("parent_account"))
    company = site.get("Company", account.get("company"))
    if parent:
        account["root_type"], account["report_type"] = parent["root_type"], parent["report_type"]
    if company and not account.get("account_currency"):
        account["account_currency"] = company["default_currency"]


# -- Mode of Payment

@on("validate", "Mode of Payment")
def refuse_company_twice(site, mode, old):
    companies = [row["company"] for row in mode["accounts"]]
    if len(companies) != len(set(companies)):
        throw("Same Company is entered more than once")


def account_of(site, mode_name, company):
    """The account a mode of payment uses for a company, or the error that there is none."""
    mode = site.get("Mode of Payment", mode_name)
    for row in reversed(mode["accounts"] if mode else []):
        if row["company"] == company:
            return row["default_account"]
    link = '<a href="http://%s:8000/app/mode-of-payment/%s">%s</a>' % (site.name, quote(mode_name), mode_name)
    throw("Please set default Cash or Bank account in Mode of Payments " + link, title="Missing Account")
    return None


# -- Item and Item Price

@on("defaults", "Item")
def take_item_defaults(site, item, old):
    settings = site.single("Stock Settings")
    item["item_group"] = item.get("item_group") or settings.get("item_group")
    item["stock_uom"] = item.get("stock_uom") or settings.get("stock_uom")
    item["item_name"] = item.get("item_name") or item.get("item_code")
    item["description"] = item.get("description") or item.get("item_name")


@on("validate", "Item")
def add_stock_unit(site, item, old):
    if item["uoms"] or not item.get("stock_uom"):
        return
    row = doctypes.blank("UOM Conversion Detail", site, site.hash_name())
    row.update(uom=item["stock_uom"], conversion_factor=1.0, parent=item["name"], parentfield="uoms",
               parenttype="Item", idx=1)
    item["uoms"] = [row]


@on("insert", "Item")
def make_price(site, item, old):
    """standard_rate becomes an Item Price of the default selling list, in the same transaction."""
    price_list = site.get("Price List", site.single_value("Selling Settings", "selling_price_list") or "Standard Selling")
    if item["standard_rate"] and price_list:
        plant(site, "Item Price", site.hash_name(), item_code=item["name"], price_list=price_list["name"],
              price_list_rate=item["standard_rate"], selling=price_list["selling"], buying=price_list["buying"],
              currency=price_list["currency"], uom=item["stock_uom"], item_name=item["item_name"],
              item_description=item["description"], valid_from=site.today())


@on("trash", "Item")
def take_prices_along(site, item, old):
    for doctype in ("Item Price", "Bin"):
        for found in site.where(doctype, "item_code", item["name"]):
            site.remove(found)


@on("validate", "Item Price")
def complete_price(site, price, old):
    item = site.get("Item", price.get("item_code"))
    if item is None:
        throw("Item %s not found." % price.get("item_code"))
    price_list = site.get("Price List", price.get("price_list"))
    if price_list:
        price.update(selling=price_list["selling"], buying=price_list["buying"], currency=price_list["currency"])
    price.update(item_name=item["item_name"], item_description=item["description"])
    price["uom"] = price.get("uom") or item["stock_uom"]
    price["valid_from"] = price.get("valid_from") or site.today()
    refuse_second_price(site, price)


def refuse_second_price(site, price):
    if site.in_flight.get("blind to prices"):
        return
    key = ("price_list", "uom", "customer", "supplier", "valid_from", "valid_upto", "currency", "batch_no")
    for other in site.where("Item Price", "item_code", price["item_code"]):
        if other["name"] != price["name"] and all(other.get(field) == price.get(field) for field in key):
            throw("Item Price appears multiple times based on Price List, Supplier/Customer, Currency, Item, Batch,"
                  " UOM, Qty, and Dates.", kind="ItemPriceDuplicateItem")


# -- Customer

@on("defaults", "Customer")
def take_customer_defaults(site, customer, old):
    settings = site.single("Selling Settings")
    customer["customer_group"] = customer.get("customer_group") or settings.get("customer_group")
    customer["territory"] = customer.get("territory") or settings.get("territory")
    customer["language"] = customer.get("language") or site.single_value("System Settings", "language")


# -- Users

@on("defaults", "User")
def name_user(site, user, old):
    user["full_name"] = " ".join(part for part in (user.get("first_name"), user.get("last_name")) if part)
    settings = site.single("System Settings")
    user["language"] = user.get("language") or settings.get("language")
    user["time_zone"] = user.get("time_zone") or settings.get("time_zone")


@on("insert", "User")
def add_login(site, user, old):
    row = doctypes.blank("User Social Login", site, site.hash_name())
    row.update(provider="frappe", userid=site.hash_name(), parent=user["name"], parentfield="social_logins",
               parenttype="User", idx=1)
    site.put(dict(user, social_logins=[row]))
    if not user["roles"]:
        site.add_note("Newly created user <strong>%s</strong> has no roles enabled." % user["name"], "No Roles Specified",
                      "orange")


@on("validate", "User Permission")
def refuse_second_permission(site, permission, old):
    for other in site.where("User Permission", "for_value", permission.get("for_value")):
        if other["name"] != permission["name"] and all(
                other.get(field) == permission.get(field) for field in ("user", "allow", "applicable_for")):
            raise FrappeError("DuplicateEntryError", "User permission already exists")


# -- Custom Field

@on("validate", "Custom Field")
def refuse_second_field(site, field, old):
    doctype, name = field["dt"], field["fieldname"]
    if old is None and (name in doctypes.fields(doctype) or name in site.custom_fields.get(doctype, {})):
        throw("A field with the name <strong>%s</strong> already exists in %s" % (name, doctype), erpnext=False)


@on("insert", "Custom Field")
def add_field(site, field, old):
    site.add_custom_field(field["dt"], field["fieldname"], field.get("label") or field["fieldname"],
                          bool(field.get("unique")))


@on("trash", "Custom Field")
def drop_field(site, field, old):
    rules = {name: rule for name, rule in site.custom_fields.get(field["dt"], {}).items() if name != field["fieldname"]}
    site.remember(site.custom_fields, field["dt"])
    site.custom_fields[field["dt"]] = rules


# -- Warehouse

@on("trash", "Warehouse")
def refuse_warehouse_with_stock(site, warehouse, old):
    bins = site.where("Bin", "warehouse", warehouse["name"])
    for found in sorted(bins, key=lambda row: row["item_code"], reverse=True):
        if found["actual_qty"]:
            throw("Warehouse %s can not be deleted as quantity exists for Item %s" % (
                warehouse["name"], found["item_code"]))
    for found in bins:
        site.remove(found)


@on("trash", "Warehouse", "Account", "Cost Center", "Item Group", "Customer Group", "Territory")
def refuse_parent(site, document, old):
    """A node of a tree with children stays."""
    field = "parent_" + document["doctype"].lower().replace(" ", "_")
    if any(other.get(field) == document["name"] for other in site.table(document["doctype"]).values()):
        throw("%s %s has child nodes and cannot be deleted" % (document["doctype"], document["name"]), erpnext=False)


@on("validate", "Fiscal Year")
def check_dates(site, year, old):
    if not (year.get("year_start_date") and year.get("year_end_date")):
        return
    if str(year["year_end_date"]) < str(year["year_start_date"]):
        throw("Fiscal Year Start Date should be one year earlier than Fiscal Year End Date")


@on("validate", "Customer", "Item", "Company")
def refuse_numbers_as_names(site, document, old):
    """A number where a text belongs fails somewhere in ERPNext's string handling."""
    field = {"Customer": "customer_name", "Item": "item_code", "Company": "company_name"}[document["doctype"]]
    if document.get(field) is not None and not isinstance(document[field], str):
        raise uncaught("AttributeError", "'%s' object has no attribute 'strip'" % type(document[field]).__name__,
                       erpnext=True)
