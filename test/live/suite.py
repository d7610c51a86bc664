"""Tenants are set up on a real ERPNext: failures on the way, documents at the end, a second run, a rollback, and what was there before."""

import json
import os
import sys
import time

import before_and_after
import database
import documents
from documents import Tenant
from erpnext import Site, SiteError
from tap import Bail, finish, need, note, ok, same

URL, KEY, SECRET = (os.environ[name] for name in ("ERPNEXT_URL", "ERPNEXT_KEY", "ERPNEXT_SECRET"))
HOST = os.environ.get("ERPNEXT_HOST") or None


def marked_tenants(count):
    """Names that no earlier run has used; the abbreviation has at most five letters."""
    now = int(time.time())
    mark = time.strftime("%Y%m%d %H%M%S", time.gmtime(now))
    return [Tenant("live%d-%d" % (now, number), "Provision Live %s %s" % (mark, "ABCDEFGH"[number]), base36(now)[-4:] + "ABCDEFGH"[number])
            for number in range(count)]


def base36(number):
    return base36(number // 36) + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 36] if number else ""


def check_site(site):
    try:
        user = site.method("frappe.auth.get_logged_user")
        versions = site.method("frappe.utils.change_log.get_versions")
    except SiteError as error:
        hint = {401: "The key or the secret is wrong.", 403: "The key is not accepted.",
                404: "No Frappe site answers to this host: give ERPNEXT_HOST the name of the site."}
        raise Bail("%s%s cannot be used: %s\n%s" % (URL, " as " + HOST if HOST else "", error,
                                                    hint.get(error.status, "Check ERPNEXT_URL, and that this machine may connect to it.")))
    note("%s%s, user %s" % (URL, " as " + HOST if HOST else "", user),
         *("%s %s" % (app, about["version"]) for app, about in sorted(versions.items())))


def make_known(tenants):
    options = {"allow_http": URL.startswith("http:"), "max_concurrent": 5}
    if HOST:
        options["site"] = HOST
    database.run("SELECT provision_engine_create('live', :'url', options => :'options')", url=URL.rstrip("/"), options=json.dumps(options))
    for tenant in tenants:
        config = tenant.config(**({"pos_user": "nobody@%s.example.com" % tenant.name} if tenant is tenants[0] else {}))
        same(database.rows("SELECT * FROM provision_validate(:'config')", config=json.dumps(config)), [], "%s: its config is valid" % tenant.name)
        database.run("SELECT provision_tenant_create(:'tenant', 'live', :'config')", tenant=tenant.name, config=json.dumps(config))


def set_secret(secret):
    database.run("SELECT provision_engine_secret('live', :'key', :'secret')", key=KEY, secret=secret)


def wait(job):
    database.run("CALL provision_wait(%d, '15 min')" % job)
    return database.row("SELECT state, current_step, error_code, error_message, error_hint FROM provision.job_status WHERE job_id = %d" % job)


def report(job):
    """For a look at what went wrong."""
    for step in database.rows("SELECT step, state, error_code, error_message FROM provision.step_status "
                              "WHERE job_id = %d AND state NOT IN ('completed', 'waiting') ORDER BY ordinal" % job):
        note(*("%s: %s" % pair for pair in step.items() if pair[1]))
    for call in database.rows("SELECT step, call, method, url, http_status, verdict, error_code, left(response_excerpt, 400) AS response FROM provision.call_log "
                              "WHERE job_id = %d AND verdict NOT IN ('success', 'absent') ORDER BY attempt_id DESC LIMIT 5" % job):
        note(json.dumps(call))


def need_state(job, wanted, name):
    got = wait(job)
    if got["state"] != wanted:
        report(job)
    need(got["state"] == wanted, name, "it is %(state)s: %(error_code)s: %(error_message)s" % got)
    return got


def check_wrong_secret(site, tenant):
    set_secret("wrong-secret")
    job = int(database.run("SELECT provision_start(:'tenant')", tenant=tenant.name))
    got = need_state(job, "failed", "with a wrong secret the job fails")
    same((got["current_step"], got["error_code"]), ("step_0_engine_check", "ENGINE_AUTH_FAILED"), "… at its first step, with the reason")
    ok(database.rows("SELECT * FROM provision_why(%d)" % job), "… and provision_why explains it")
    same(site.document("Company", tenant.company), None, "… and has made nothing")
    set_secret(SECRET)
    return job


def check_failure_on_the_way(site, tenant, job):
    database.run("SELECT state FROM provision_retry(%d)" % job)
    got = need_state(job, "failed", "with the right secret and a cashier who does not exist it fails later")
    same((got["current_step"], got["error_code"]), ("step_8_pos_profile", "POS_USER_MISSING"), "… at the point of sale, with the reason")
    ok(site.document("Company", tenant.company), "… and the company is made")
    database.run("SELECT provision_tenant_update(:'tenant', '{\"pos_user\": null}')", tenant=tenant.name)
    database.run("SELECT state FROM provision_continue(%d)" % job)
    need_state(job, "completed", "without that cashier it is completed")


def check_steps(job):
    states = database.rows("SELECT step, state FROM provision.step_status WHERE job_id = %d ORDER BY ordinal" % job)
    same(len(states), 11, "job %d has eleven steps" % job)
    ok(all(step["state"] == "completed" for step in states), "… all completed", *states)
    seconds = database.row("SELECT round(extract(epoch FROM duration)::numeric, 1) AS seconds, attempt_count AS calls FROM provision.job_status WHERE job_id = %d" % job)
    note("job %d: %s calls, %s s" % (job, seconds["calls"], seconds["seconds"]))


def check_second_run(tenant):
    job = int(database.run("SELECT provision_start(:'tenant')", tenant=tenant.name))
    need_state(job, "completed", "a second run is completed too")
    same(database.rows("SELECT call, method, url FROM provision.call_log WHERE job_id = %d AND method <> 'GET' AND url NOT LIKE '%%get_list%%'" % job), [],
         "… and makes and changes nothing")


def check_two_at_once(tenants):
    names = "{%s}" % ",".join(tenant.name for tenant in tenants)
    jobs = [row["job"] for row in database.rows("SELECT * FROM provision_start_many(:'names') AS job", names=names)]
    for job in jobs:
        need_state(job, "completed", "job %d, beside another one, is completed" % job)
        check_steps(job)


def check_rollback(site, tenant):
    job = database.value("SELECT job_id FROM provision_rollback(:'tenant')", tenant=tenant.name)
    need_state(job, "rolled_back", "%s is rolled back" % tenant.name)
    same(documents.owned(site, tenant), [], "… and none of its documents is left")
    same(site.list("Stock Entry", [["company", "=", tenant.company]]), [], "… nor its opening stock")
    same(database.value("SELECT provisioning_status FROM provision.tenant_status WHERE tenant = :'tenant'", tenant=tenant.name), "NOT_STARTED",
         "… and it can be set up anew")


def check_secret_is_hidden():
    found = database.value("SELECT (SELECT count(*) FROM provision.call_log AS log WHERE strpos(log::text, :'secret') > 0)"
                           "     + (SELECT count(*) FROM provision.event_log AS log WHERE strpos(log::text, :'secret') > 0) AS lines", secret=SECRET)
    same(found, 0, "the secret is in no log")


def run(site, tenants):
    check_site(site)
    before = before_and_after.look(site)
    make_known(tenants)
    job = check_wrong_secret(site, tenants[0])
    try:
        check_failure_on_the_way(site, tenants[0], job)
        check_steps(job)
        check_two_at_once(tenants[1:])
        for tenant in tenants:
            documents.check(site, tenant)
        check_second_run(tenants[0])
        documents.check_selling(site, tenants[0])
        check_rollback(site, tenants[2])
        check_secret_is_hidden()
        before_and_after.compare(before, before_and_after.look(site))
    finally:
        if os.environ.get("CLEANUP") == "1":
            for tenant in tenants:
                documents.remove(site, tenant)
        else:
            documents.list_left(site, tenants)


def main():
    site = Site(URL, KEY, SECRET, HOST)
    try:
        run(site, marked_tenants(3))
    except Bail as reason:
        ok(False, "the rest cannot be checked", reason)
    except (SiteError, database.DatabaseError) as error:
        ok(False, "an unexpected answer", error)
    return finish()


sys.exit(main())
