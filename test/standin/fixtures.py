"""The two states of a site: bare (ERPNext installed, wizard not run) and after the setup wizard."""

import hashlib

import doctypes
import lifecycle
import masters          # noqa: F401  (registers its hooks)
import pos              # noqa: F401
import stock            # noqa: F401
from company import FIXTURES
from documents import Site
from permissions import User, add_user

PROVISIONING_ROLES = ("System Manager", "Accounts Manager", "Accounts User", "Stock Manager", "Stock User",
                      "Item Manager", "Sales Manager", "Sales User", "Sales Master Manager")
ADMINISTRATOR = User("Administrator", None, None, ())

WIZARD_ARGUMENTS = {"language": "English", "country": "United States", "timezone": "America/New_York",
                    "currency": "USD", "full_name": "Ops Admin", "email": "ops@example.com",
                    "company_name": "Platform Co", "company_abbr": "PLT", "chart_of_accounts": "Standard"}


def make_site(name, state, options):
    """A new site in the state, with the Administrator's key."""
    # Names that are random on the server are the same in every run here; sites differ among each other.
    seed = options.seed + int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    site = Site(name, options.today, seed)
    fill_bare(site)
    add_user(site, "Administrator", options.key, options.secret, ())
    if state == "wizard":
        run_wizard(site, WIZARD_ARGUMENTS)
    site.begin()
    site.commit()
    return site


def make(site, doctype, values):
    return lifecycle.insert(site, ADMINISTRATOR, doctype, values)


def fill_bare(site):
    for code in FIXTURES["bare"]["Currency"]:
        make(site, "Currency", {"currency_name": code, "enabled": 0})
    for code in FIXTURES["enabled_currencies"]:
        site.put(dict(site.get("Currency", code), enabled=1))
    for name in FIXTURES["bare"]["Country"]:
        make(site, "Country", {"country_name": name})
    for name in FIXTURES["bare"]["Role"]:
        make(site, "Role", {"role_name": name})
    make(site, "User", {"email": "Administrator", "first_name": "Administrator"})
    site.put(dict(site.single("Global Defaults"), default_currency="INR"))
    site.put(dict(site.single("Selling Settings"), so_required=None, dn_required=None))


def run_wizard(site, arguments):
    """setup_complete: system settings, fixtures, fiscal year, user and the first company."""
    country, currency = arguments["country"], arguments["currency"]
    site.put(dict(site.single("System Settings"), setup_complete=1, country=country, language="en",
                  time_zone=arguments.get("timezone")))
    site.put(dict(site.single("Global Defaults"), default_currency=currency, country=country))
    for doctype, rows in FIXTURES["wizard"].items():
        for row in rows:
            values = {field: country if value == "{country}" else value for field, value in row.items()}
            if doctype == "Price List":
                values["currency"] = currency
            if site.get(doctype, lookup_name(doctype, values)) is None:
                make(site, doctype, values)
    make_fiscal_year(site, arguments)
    make_user(site, arguments)
    make_first_company(site, arguments)
    site.put(dict(site.single("Selling Settings"), selling_price_list="Standard Selling", allow_multiple_items=1,
                  so_required="No", dn_required="No"))


def lookup_name(doctype, values):
    kind, _, field = doctypes.NAMING.get(doctype, "hash").partition(":")
    return values.get(field if kind == "field" else "name")


def make_fiscal_year(site, arguments):
    year = lifecycle.year_of(site)
    start = arguments.get("fy_start_date") or year + "-01-01"
    end = arguments.get("fy_end_date") or year + "-12-31"
    name = start[:4] if start[:4] == end[:4] else "%s-%s" % (start[:4], end[:4])
    if site.get("Fiscal Year", name) is None:
        make(site, "Fiscal Year", {"year": name, "year_start_date": start, "year_end_date": end})


def make_user(site, arguments):
    email = arguments.get("email")
    if email and site.get("User", email) is None:
        make(site, "User", {"email": email, "first_name": arguments.get("full_name") or email})


def make_first_company(site, arguments):
    name, abbr = arguments["company_name"], arguments.get("company_abbr")
    company = make(site, "Company", {
        "company_name": name, "abbr": abbr, "default_currency": arguments["currency"], "country": arguments["country"],
        "chart_of_accounts": arguments.get("chart_of_accounts") or "Standard"})
    abbr = company["abbr"]
    site.put(dict(site.single("Global Defaults"), default_company=company["name"]))
    site.put(dict(site.single("Stock Settings"), default_warehouse="Stores - " + abbr, stock_uom="Nos",
                  auto_insert_price_list_rate_if_missing=1))
    parent = next(row for row in site.where("Account", "company", company["name"])
                  if row["account_name"] == "Bank Accounts")
    account = make(site, "Account", {"account_name": "Bank Account", "parent_account": parent["name"],
                                     "company": company["name"], "account_type": "Bank"})
    site.change(site.get("Company", company["name"]), default_bank_account=account["name"])
