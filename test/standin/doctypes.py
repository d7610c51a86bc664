"""What the stand-in knows of DocTypes: data/fields.json holds fields and defaults, this file the rules."""

import json
import pathlib

DATA = pathlib.Path(__file__).parent / "data"
SCHEMAS = json.loads((DATA / "fields.json").read_text(encoding="utf-8"))

META = ("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx")
STANDARD = set(META) | {"doctype", "parent", "parentfield", "parenttype", "lft", "rgt", "__unsaved"}

SINGLES = {"Selling Settings", "Stock Settings", "POS Settings", "Global Defaults", "System Settings", "Buying Settings",
           "Accounts Settings"}
SUBMITTABLE = {"POS Opening Entry", "POS Invoice", "Sales Invoice", "Stock Entry", "Stock Reconciliation",
               "Transaction Deletion Record"}
TREES = {"Company", "Account", "Warehouse", "Cost Center", "Item Group", "Customer Group", "Territory", "Department"}

# How a new document gets its name; what is not here gets a random hash.
NAMING = {
    "Company": "field:company_name", "Mode of Payment": "field:mode_of_payment", "Item": "field:item_code",
    "Price List": "field:price_list_name", "UOM": "field:uom_name", "Item Group": "field:item_group_name",
    "Customer Group": "field:customer_group_name", "Territory": "field:territory_name", "Fiscal Year": "field:year",
    "Party Type": "field:party_type", "User": "field:email", "Currency": "field:currency_name",
    "Country": "field:country_name", "Gender": "field:gender", "Supplier Group": "field:supplier_group_name",
    "Sales Person": "field:sales_person_name", "Address Template": "field:country", "Role": "field:role_name",
    "Warehouse": "suffix:warehouse_name", "Account": "suffix:account_name", "Cost Center": "suffix:cost_center_name",
    "Department": "suffix:department_name", "Customer": "customer", "Custom Field": "custom_field",
    "Warehouse Type": "prompt", "POS Profile": "prompt", "Stock Entry Type": "prompt", "Print Format": "prompt",
    "POS Opening Entry": "series:POS-OPE-.YYYY.-", "POS Invoice": "series:ACC-PSINV-.YYYY.-",
    "Sales Invoice": "series:ACC-SINV-.YYYY.-", "Stock Entry": "series:MAT-STE-.YYYY.-",
    "Stock Reconciliation": "series:MAT-RECO-.YYYY.-", "Transaction Deletion Record": "series:TDL",
}

ACCOUNT_FIELDS = tuple(
    field for field, default in SCHEMAS["Company"]["fields"].items()
    if default is None and field.endswith(("_account", "_valuation", "_but_not_billed")))

# field: DocType it must name. The label is the field's, see label().
LINKS = {
    "Company": {"default_currency": "Currency", "country": "Country", "parent_company": "Company",
                "cost_center": "Cost Center", "round_off_cost_center": "Cost Center",
                "depreciation_cost_center": "Cost Center", **{field: "Account" for field in ACCOUNT_FIELDS}},
    "Warehouse": {"parent_warehouse": "Warehouse", "company": "Company", "warehouse_type": "Warehouse Type",
                  "account": "Account"},
    "Account": {"company": "Company", "parent_account": "Account", "account_currency": "Currency"},
    "Cost Center": {"parent_cost_center": "Cost Center", "company": "Company"},
    "Mode of Payment Account": {"company": "Company", "default_account": "Account"},
    "Item": {"item_group": "Item Group", "stock_uom": "UOM"},
    "Item Default": {"company": "Company", "default_warehouse": "Warehouse", "default_price_list": "Price List",
                     "expense_account": "Account", "income_account": "Account"},
    "Item Price": {"uom": "UOM", "price_list": "Price List", "currency": "Currency", "customer": "Customer"},
    "Price List": {"currency": "Currency"},
    "Item Group": {"parent_item_group": "Item Group"},
    "Customer Group": {"parent_customer_group": "Customer Group"},
    "Territory": {"parent_territory": "Territory"},
    "Customer": {"customer_group": "Customer Group", "territory": "Territory", "default_price_list": "Price List",
                 "default_currency": "Currency"},
    "POS Profile": {"company": "Company", "customer": "Customer", "country": "Country", "warehouse": "Warehouse",
                    "selling_price_list": "Price List", "currency": "Currency", "write_off_account": "Account",
                    "write_off_cost_center": "Cost Center", "income_account": "Account", "expense_account": "Account",
                    "cost_center": "Cost Center"},
    "POS Profile User": {"user": "User"},
    "POS Payment Method": {"mode_of_payment": "Mode of Payment"},
    "POS Opening Entry": {"company": "Company", "pos_profile": "POS Profile", "user": "User"},
    "POS Opening Entry Detail": {"mode_of_payment": "Mode of Payment"},
    "POS Invoice": {"customer": "Customer", "pos_profile": "POS Profile", "company": "Company", "currency": "Currency",
                    "selling_price_list": "Price List", "set_warehouse": "Warehouse"},
    "POS Invoice Item": {"item_code": "Item", "warehouse": "Warehouse"},
    "Sales Invoice": {"customer": "Customer", "company": "Company", "pos_profile": "POS Profile",
                      "currency": "Currency", "selling_price_list": "Price List", "set_warehouse": "Warehouse"},
    "Sales Invoice Item": {"item_code": "Item", "warehouse": "Warehouse"},
    "Sales Invoice Payment": {"mode_of_payment": "Mode of Payment"},
    "Stock Entry": {"company": "Company", "from_warehouse": "Warehouse", "to_warehouse": "Warehouse"},
    "Stock Entry Detail": {"s_warehouse": "Warehouse", "t_warehouse": "Warehouse", "item_code": "Item"},
    "Stock Reconciliation": {"company": "Company", "expense_account": "Account", "cost_center": "Cost Center"},
    "Stock Reconciliation Item": {"item_code": "Item", "warehouse": "Warehouse"},
    "User Permission": {"user": "User", "allow": "DocType"},
    "Selling Settings": {"customer_group": "Customer Group", "territory": "Territory",
                         "selling_price_list": "Price List"},
    "Stock Settings": {"item_group": "Item Group", "default_warehouse": "Warehouse", "stock_uom": "UOM"},
    "Global Defaults": {"default_company": "Company", "country": "Country", "default_currency": "Currency"},
    "Transaction Deletion Record": {"company": "Company"},
    "Custom Field": {"dt": "DocType"},
}

REQUIRED = {
    "Company": ("company_name", "abbr", "default_currency", "country"), "Warehouse": ("warehouse_name", "company"),
    "Account": ("account_name", "company", "parent_account"), "Mode of Payment": ("mode_of_payment",),
    "Mode of Payment Account": ("company", "default_account"), "Item": ("item_code", "item_group", "stock_uom"),
    "Item Default": ("company",), "Item Price": ("item_code", "price_list", "price_list_rate"),
    "Price List": ("price_list_name", "currency"), "UOM": ("uom_name",), "Item Group": ("item_group_name",),
    "Customer Group": ("customer_group_name",), "Territory": ("territory_name",),
    "Customer": ("customer_name", "customer_type"),
    "Fiscal Year": ("year", "year_start_date", "year_end_date"),
    "POS Profile": ("company", "warehouse", "currency", "write_off_account", "write_off_cost_center", "payments"),
    "POS Payment Method": ("mode_of_payment",),
    "POS Opening Entry": ("period_start_date", "posting_date", "company", "pos_profile", "user", "balance_details"),
    "POS Opening Entry Detail": ("mode_of_payment",),
    "POS Invoice": ("company", "posting_date", "currency", "items"),
    "Sales Invoice": ("customer", "company", "posting_date", "currency", "items"),
    "Stock Entry": ("stock_entry_type", "company", "items"), "Stock Entry Detail": ("item_code", "qty"),
    "Stock Reconciliation": ("company", "purpose", "items"), "Stock Reconciliation Item": ("item_code", "warehouse"),
    "User": ("email", "first_name"), "User Permission": ("user", "allow", "for_value"),
    "Custom Field": ("dt", "fieldtype"), "Stock Entry Type": ("purpose",), "Party Type": ("party_type", "account_type"),
    "System Settings": ("language", "time_zone"), "Transaction Deletion Record": ("company",),
}

SELECTS = {
    "Customer": {"customer_type": ("Company", "Individual", "Partnership")},
    "Mode of Payment": {"type": ("Cash", "Bank", "General", "Phone")},
    "Selling Settings": {"so_required": ("No", "Yes"), "dn_required": ("No", "Yes"),
                         "cust_master_name": ("Customer Name", "Naming Series", "Auto Name")},
    "Stock Settings": {"valuation_method": ("FIFO", "Moving Average", "LIFO"),
                       "item_naming_by": ("Item Code", "Naming Series")},
    "Stock Reconciliation": {"purpose": ("Opening Stock", "Stock Reconciliation")},
    "Company": {"create_chart_of_accounts_based_on": ("Standard Template", "Existing Company")},
}

# Custom fields that the regional setup of a country adds with its first company, and their defaults.
REGIONAL = {
    "United States": {"Customer": {"exempt_from_sales_tax": 0}, "Sales Invoice": {"exempt_from_sales_tax": 0}},
    "United Arab Emirates": {
        "POS Invoice": {"vat_emirate": "", "tourist_tax_return": 0.0},
        "POS Invoice Item": {"tax_rate": 0.0, "tax_amount": 0.0, "total_amount": 0.0, "is_zero_rated": 0,
                             "is_exempt": 0}},
}

# May never change once set.
CONSTANT = {"Company": ("abbr",), "POS Opening Entry": (), "Custom Field": ("dt", "fieldname")}

INDEXED = {
    "Account": ("company",), "Cost Center": ("company",), "Warehouse": ("company",), "Department": ("company",),
    "POS Profile": ("company", "warehouse", "customer"), "POS Opening Entry": ("company", "pos_profile"),
    "Item Price": ("item_code",), "Bin": ("item_code", "warehouse"), "Customer": ("customer_name",),
    "POS Invoice": ("company", "customer", "pos_profile"), "Sales Invoice": ("company", "customer", "pos_profile"),
    "GL Entry": ("company", "voucher_no"), "Stock Entry": ("company",), "Stock Reconciliation": ("company",),
    "User Permission": ("for_value",),
}

LABELS = {
    ("Company", "company_name"): "Company", ("Item", "stock_uom"): "Default Unit of Measure",
    ("Selling Settings", "selling_price_list"): "Default Price List",
    ("Selling Settings", "so_required"): "Is Sales Order Required for Sales Invoice & Delivery Note Creation?",
    ("Selling Settings", "dn_required"): "Is Delivery Note Required for Sales Invoice Creation?",
    ("Selling Settings", "customer_group"): "Default Customer Group",
    ("Selling Settings", "territory"): "Default Territory",
    ("Stock Settings", "stock_uom"): "Default Stock UOM", ("Stock Settings", "item_group"): "Default Item Group",
    ("POS Opening Entry", "balance_details"): "Opening Balance Details", ("POS Opening Entry", "user"): "Cashier",
    ("POS Profile", "selling_price_list"): "Price List", ("Mode of Payment", "mode_of_payment"): "Mode of Payment",
    ("Fiscal Year", "year"): "Year Name", ("Custom Field", "dt"): "DocType",
}
UPPERCASE = {"Pos": "POS", "Uom": "UOM", "Id": "ID"}


def exists(doctype):
    return doctype in SCHEMAS


def fields(doctype):
    return SCHEMAS[doctype]["fields"]


def children(doctype):
    return SCHEMAS[doctype].get("children", {})


def is_single(doctype):
    return doctype in SINGLES


def indexed(doctype):
    return INDEXED.get(doctype, ())


def parents_of(child):
    """(parent DocType, table field) of a child table."""
    return [(parent, field) for parent in SCHEMAS for field, found in children(parent).items() if found == child]


def label(doctype, field):
    given = LABELS.get((doctype, field))
    if given:
        return given
    return " ".join(UPPERCASE.get(word, word) for word in field.replace("_", " ").title().split(" "))


def blank(doctype, site, name):
    """A document with every default, before anything is known of it."""
    now, owner = site.now(), site.actor
    document = {"name": name, "owner": owner, "creation": now, "modified": now, "modified_by": owner,
                "docstatus": 0, "idx": 0}
    document.update(fields(doctype))
    for field, rule in site.custom_fields.get(doctype, {}).items():
        document[field] = rule["default"]
    if doctype in TREES:
        document["lft"], document["rgt"] = 0, 0
    document["doctype"] = doctype
    for field in children(doctype):
        document[field] = []
    return document


def present(document):
    """What the REST API shows: no field that is null, in child rows neither."""
    return {key: [present(row) for row in value] if isinstance(value, list) else value
            for key, value in document.items() if value is not None}
