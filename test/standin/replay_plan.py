"""Which recordings are replayed, in which order, on which site; what happened between them; which cannot be."""

import re

NOPERM, SYSTEM_MANAGER, PROVISIONER = "noperm@example.com", "sm@example.com", "prov@example.com"
LOCK_WAIT = "(1205, 'Lock wait timeout exceeded; try restarting transaction')"
NO_DATABASE = "(2003, \"Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)\")"


class Session:
    """Recordings that were made one after the other on one site."""

    def __init__(self, name, state, steps, options=(), today="2026-11-21"):
        self.name, self.state, self.steps, self.options, self.today = name, state, steps, options, today


SESSIONS = [
    Session("the eleven steps and rollback", "bare", range(0, 12)),
    Session("errors, names, atomicity", "wizard", (12, 13), ("--strict-host",)),
    Session("roles and countries", "wizard", (14, 15)),
    Session("edge cases", "wizard", (16,)),
    Session("a site whose wizard never ran", "bare", (20,), today="2026-11-22"),
    Session("the whole path without the wizard", "bare", (21,), today="2026-11-22"),
]

# Within a group sent at the same moment the one that succeeded goes first.
FIRST_IN_GROUP = {"1303-same-company-3", "1312-same-posprofile-3", "14sysmgr"}


def step_of(recording):
    return int(recording[:2])


def order(recording):
    """Sorts recordings as they were made; infrastructure (121xx) came after the rest of step 12."""
    number = re.match(r"\d+", recording)[0]
    late = step_of(recording) == 12 and len(number) == 5
    group = re.match(r"14(sysmgr|prov)|\d+", recording)[0]
    rank = {"14sysmgr": 0, "14prov": 1}.get(group, 2)
    part = re.search(r"uae-\d", recording)
    kind = 0 if part is None else 1 + (recording.endswith("-check") or 2 * recording.endswith("-retry"))
    first = 0 if recording in FIRST_IN_GROUP else 1
    return (step_of(recording), late, rank, number, first, part[0] if part else "", kind, recording)


# -- what happened between two recordings without being recorded

def post(doctype, as_user=None, **values):
    return ("POST", "/api/resource/" + doctype.replace(" ", "%20"), values, as_user)


def put(doctype, name, **values):
    return ("PUT", "/api/resource/%s/%s" % (doctype.replace(" ", "%20"), name.replace(" ", "%20")), values, None)


def delete(doctype, name):
    return ("DELETE", "/api/resource/%s/%s" % (doctype.replace(" ", "%20"), name.replace(" ", "%20")), None, None)


def delete_all(doctype, **filters):
    return ("DELETE ALL", doctype, filters, None)


def mode(**values):
    return ("MODE", None, values, None)


def fault(**action):
    """Strikes the next request once."""
    return ("FAULT", None, {"match": {"times": 1}, "action": action}, None)


def warehouse(name, company="Platform Co"):
    return post("Warehouse", warehouse_name=name, company=company)


def company(name, abbr, currency="USD", country="United States", as_user=None):
    return post("Company", as_user, company_name=name, abbr=abbr, default_currency=currency, country=country)


def opening(profile, of_company, user="Administrator"):
    return post("POS Opening Entry", company=of_company, pos_profile=profile, user=user, docstatus=1,
                period_start_date="2026-11-21 20:00:00", balance_details=[{"mode_of_payment": "Cash"}])


def profile(name, of_company, abbr):
    return post("POS Profile", name=name, company=of_company, warehouse="Stores - " + abbr,
                write_off_account="Write Off - " + abbr, write_off_cost_center="Main - " + abbr,
                payments=[{"mode_of_payment": "Cash", "default": 1}])


def receipt(of_company, item, quantity, into):
    return post("Stock Entry", stock_entry_type="Material Receipt", company=of_company, docstatus=1,
                items=[{"item_code": item, "qty": quantity, "t_warehouse": into, "basic_rate": 5}])


def invoice(of_company, item, of_profile, **more):
    return post("POS Invoice", company=of_company, customer="Walk-in Customer", pos_profile=of_profile,
                items=[{"item_code": item, "qty": 1}], payments=[{"mode_of_payment": "Cash", "amount": 1000}], **more)


HTML_500 = {"status": 500, "body": "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"
                                   "    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"}
RESET_PASSWORD = ("POST", "/api/method/frappe.core.doctype.user.user.reset_password", {"user": "nobody@example.com"}, None)

# Done before the recording whose number or name is the key.
UNRECORDED = {
    "1030": [put("POS Opening Entry", "POS-OPE-2026-00004", docstatus=2),
             put("POS Opening Entry", "POS-OPE-2026-00005", docstatus=2)],
    "1044-posinv-nostock-strict-draft": [put("Stock Settings", "Stock Settings", allow_negative_stock=0)],
    "1110": [opening("ACME POS", "Acme Trading")],
    "1150": [warehouse("Main Store", "Beta Shop"), warehouse("POS Store", "Beta Shop"),
             post("Item", item_code="BETA-DEMO-009", item_group="Products", standard_rate=9,
                  item_defaults=[{"company": "Beta Shop", "default_warehouse": "POS Store - BETA"}])],
    "1153": [company("Beta Shop", "BETA"), profile("BETA POS", "Beta Shop", "BETA")],
    "1154": [delete("POS Profile", "BETA POS"),
             post("User Permission", user="ops@example.com", allow="Company", for_value="Beta Shop")],
    "1180": [delete_all("POS Profile", company="Acme Trading")],
    "1181": [delete_all("User Permission", for_value="Acme Trading")],
    "1211": [("USER", NOPERM, [], None)],
    "1212": [put("User", NOPERM, enabled=1)],
    "1275": [warehouse("TS"), put("Warehouse", "TS - PLT", phone_no="1")],
    "1278": [put("Warehouse", "TS - PLT", phone_no="3")],
    "1282-percentg": [warehouse("50% Store")],
    "1290": [warehouse("Bod\u00e9ga \u2116 1 \u2615 \u6771\u4eac")],
    "12117": [RESET_PASSWORD] * 3,
    "12118": [mode(rate_limit={"retry_after": 3420})],
    "12120": [mode(rate_limit=None, maintenance=True)],
    "12124": [mode(allow_reads=True)],
    "12126": [mode(maintenance=False, allow_reads=False, tracebacks=False)],
    "12130": [mode(tracebacks=True, database_down=True)],
    "12131": [mode(database_down=False)],
    "12144b-deleted?": [delete("Warehouse", "RQ down - PLT")],
    "12145": [fault(effect=True, **HTML_500)],
    "12147": [company("RQ Co", "RQC")],
    "12150": [fault(exc_type="OperationalError", body=NO_DATABASE)],
    "12151": [mode(database_down=True)],
    "12154": [mode(database_down=False)],
    "1304": [warehouse("Race")],
    "1310": [post("Item", item_code="RACE-1", item_group="Products", standard_rate=5)],
    "1322-create-and-delete-1": [company("Pr 2 B", "P2B")],
    "1332": [company("Gone Client", "GCL")],
    "1340": [fault(exc_type="QueryTimeoutError", body=LOCK_WAIT)],
    "1342": [fault(exc_type="QueryTimeoutError", body=LOCK_WAIT)],
    "1352-uae-0": [fault(**HTML_500)],
    "1352-uae-1": [fault(half_made_company=True)],
    "1352-uae-2": [delete("Company", "UAE 1"), fault(half_made_company=True)],
    "1352-uae-2-check": [fault(**HTML_500)],
    "1352-uae-3-check": [fault(half_made_company=True),
                         company("UAE 3", "UA3", "AED", "United Arab Emirates")],
    "14sysmgr-01-warehouse": [
        ("USER", SYSTEM_MANAGER, ["System Manager"], None), ("USER", PROVISIONER, None, None),
        company("SysMgr Co", "SMC", as_user=SYSTEM_MANAGER), company("Prov Co", "PRV", as_user=PROVISIONER)],
    "1505": [company("Germany Co", "GER", "EUR", "Germany")],
    "1525": [post("Customer", customer_name="Walk-in Customer", customer_type="Individual", customer_group="Individual"),
             post("Item", item_code="KEN-1", item_group="Products", stock_uom="Nos", standard_rate=100),
             receipt("Kenya Co", "KEN-1", 10, "Stores - KEN"),
             invoice("Kenya Co", "KEN-1", "KEN POS", currency="KES")],
    "1531": [invoice("Kenya Co", "KEN-1", "KEN POS", currency="KES")],
    "1547": [receipt("Kenya Co", "KEN-1", 1, "Stores - KEN")],
    "1611": [warehouse("CI")],
    "1640": [profile("PLT POS", "Platform Co", "PLT"), opening("PLT POS", "Platform Co")],
    "1668": [company("Dash Co", "D - X")],
}

# Recordings made as another user than the Administrator.
USERS = {
    NOPERM: re.compile(r"12(12|13|15|16|17|19|23)-"),
    SYSTEM_MANAGER: re.compile(r"14sysmgr-"),
    PROVISIONER: re.compile(r"14prov-"),
}

AUTHORIZATION = {
    "1203": "token nobody:test-secret", "1204": "token test-key:wrong", "1205": "token test-key",
    "1206": "Bearer nothing", "1207": "Basic dGVzdC1rZXk6dGVzdC1zZWNyZXQ=", "1208": "Basic garbage",
}

# -- what is not replayed, and why

AT_ONCE = "sent at the same moment as others; test_switches.py sends such requests"
OTHER_API = "API version 2 is left out: nothing here calls it"
NOT_REPLAYED = {
    "1302": AT_ONCE, "1305": AT_ONCE, "1306": AT_ONCE, "1308-settings-both-2": AT_ONCE, "1311-same-price-2": AT_ONCE,
    "1311-same-price-3": AT_ONCE, "1314-opening-1": AT_ONCE, "1315-delete-same-2": AT_ONCE, "1320-pair-2-1": AT_ONCE,
    "1320-pair-4-1": AT_ONCE,
    "1601": OTHER_API, "1603": OTHER_API, "1604": OTHER_API, "1606": OTHER_API, "1608": OTHER_API,
    "12155": "no HTTP answer at all: gunicorn was stopped",
}


def reason_not_replayed(recording):
    return NOT_REPLAYED.get(recording) or NOT_REPLAYED.get(re.match(r"\d+", recording)[0])


# Of these only the named fields are compared.
ONLY_FIELDS = {"0007-erpnext-probe": ("name", "module")}

# Fields a recording has and the stand-in does without, or has in another form.
IGNORED_FIELDS = {
    "1175-txn-delete-state": {"doctypes"},          # rows for DocTypes that are not modelled
    "1222-disable-user": {"username", "api_key", "api_secret", "last_name", "first_name", "full_name",
                          "send_welcome_email"},
    "1211-generate-keys": {"api_secret"},
    "14prov-13-create-user": {"primary_action"},
}
