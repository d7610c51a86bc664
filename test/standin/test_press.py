"""The stand-in for Frappe Cloud keeps to what is known of Press's public API, and has the switches tests need."""

import base64
import http.client
import json
import unittest

from standin_process import PressStandIn, StandInCase

TOKEN = {"Authorization": "token test-key:test-secret"}
SITE = {"name": "acme-one", "apps": ["frappe", "erpnext"], "group": "bench-0001", "plan": "USD 10"}
NAME = "acme-one.frappe.cloud"


class PressCase(StandInCase):
    standin = PressStandIn
    arguments = ("--manual", "--team", "team-one", "--team", "team-two")

    def send(self, function, headers=TOKEN, **body):
        answer = self.server.request("POST", "/api/method/press.api." + function, body, headers)
        return answer.status, json.loads(answer.body)

    def call(self, function, headers=TOKEN, **body):
        status, answer = self.send(function, headers, **body)
        self.assertEqual(status, 200, answer)
        return answer.get("message")

    def refused(self, status, exc_type, function, **body):
        got, answer = self.send(function, **body)
        self.assertEqual((got, answer["exc_type"]), (status, exc_type))

    def tick(self, count=20):
        self.server.control("POST", "tick", {"count": count})

    def active(self, **changes):
        made = self.call("site.new", site=dict(SITE, **changes))
        self.tick()
        return made["site"]

    def status(self, name=NAME):
        return self.call("site.get", name=name)["status"]


class Sites(PressCase):
    def test_a_site_is_active_when_both_servers_are_done(self):
        made = self.call("site.new", site=SITE)
        self.assertEqual((made["site"], self.status()), (NAME, "Installing"))
        self.assertEqual(self.call("site.get_job_status", job_name=made["job"]), {"status": "Pending"})
        self.tick(4)
        job = self.call("site.job", job=made["job"])
        self.assertEqual((job["status"], [step["status"] for step in job["steps"]]), ("Running", ["Success"] * 3 + ["Running"] + ["Pending"] * 2))
        self.assertEqual([job["job_type"] for job in self.call("site.running_jobs", name=NAME)], ["New Site"])
        self.tick()
        self.assertEqual((self.status(), len(self.call("site.jobs", filters={"site": NAME}))), ("Active", 2))
        self.assertEqual(self.server.control("GET", "inventory")["team-one"]["created"], {"Site": {NAME: 1}})

    def test_one_failure_breaks_the_site_and_skips_the_rest(self):
        self.fault({"fail": {"output": "no space"}, "at": "Add Site File to Upstream Directory"}, job="Add Site to Upstream")
        self.active()
        self.assertEqual(self.status(), "Broken")
        job = self.call("site.jobs", filters={"site": NAME})[0]
        self.assertNotIn("steps", job)
        steps = self.call("site.job", job=job["name"])["steps"]
        self.assertEqual([step["status"] for step in steps], ["Success", "Failure", "Skipped"])

    def test_what_press_refuses(self):
        self.active()
        self.refused(409, "DuplicateEntryError", "site.new", site=SITE)
        for change in ({"name": "a"}, {"name": "Acme-Two"}, {"domain": "example.com"}, {"plan": "Gold"}, {"group": "none"}, {"apps": ["frappe", "hrms"]},
                       {"apps": ["frappe", "frappe"]}):
            self.refused(417, "ValidationError", "site.new", site=dict(SITE, **dict({"name": "acme-two"}, **change)))
        self.refused(404, "DoesNotExistError", "site.get", name="none.frappe.cloud")
        self.refused(500, "KeyError", "site.new", site={"name": "acme-two"})
        self.server.control("POST", "mode", {"may_create": False})
        self.refused(417, "ValidationError", "site.new", site=dict(SITE, name="acme-two"))

    def test_a_private_bench_is_deployed_first(self):
        name = self.call("site.new", site=dict(SITE, plan="USD 25 - Private Bench", group=None))["site_group_deploy"]
        seen = []
        for _ in range(20):
            seen.append(self.call("client.get", doctype="Site Group Deploy", name=name)["status"])
            self.tick(1)
        self.assertEqual(list(dict.fromkeys(seen)), ["Pending", "Deploying Bench", "Bench Deployed", "Creating Site", "Site Created"])
        listed = self.call("client.get_list", doctype="Site Group Deploy", fields=["name", "status", "release_group.title as group_title"])
        self.assertEqual(listed, [{"name": name, "status": "Site Created", "group_title": "acme-one"}])

    def test_a_second_bench_for_the_same_site_is_refused(self):
        private = dict(SITE, plan="USD 25 - Private Bench", group=None)
        self.call("site.new", site=private)
        self.refused(417, "ValidationError", "site.new", site=private)

    def test_an_archived_site_has_another_name(self):
        for archived in (NAME + ".archived", NAME + ".archived.1"):
            self.active()
            self.assertIsNone(self.call("site.archive", name=NAME, force=True))
            self.refused(417, "SiteUnderMaintenance", "site.archive", name=NAME)
            self.tick()
            self.refused(404, "DoesNotExistError", "site.get", name=NAME)
            self.refused(417, "SiteAlreadyArchived", "client.run_doc_method", dt="Site", dn=archived, method="archive")

    def test_a_backup_has_no_number_and_is_found_in_the_list(self):
        self.active()
        self.assertEqual(self.send("site.backup", name=NAME, with_files=True), (200, {}))
        self.refused(417, "SiteTooManyPendingBackups", "site.backup", name=NAME)
        self.assertEqual(len(self.call("client.get_list", doctype="Site Backup", filters={"site": NAME, "status": "Pending"})), 1)
        self.assertEqual(self.call("client.get_list", doctype="Site Backup", filters={"site": NAME}), [])
        self.tick()
        backup = self.call("site.backups", name=NAME)[0]
        self.assertEqual((backup["status"], backup["database_size"]), ("Success", "200000"))
        link = self.call("site.get_backup_link", name=NAME, backup=backup["name"], file="public")
        self.assertIn(backup["remote_public_file"], link)

    def test_the_dashboards_form_of_creating(self):
        doc = {"doctype": "Site", "subdomain": "acme-one", "apps": [{"app": "frappe"}], "group": "bench-0001", "subscription_plan": "USD 10"}
        self.assertEqual(self.call("client.insert", doc=doc)["name"], NAME)
        self.assertTrue(self.call("site.exists", {}, subdomain="acme-one", domain="frappe.cloud"), "asking needs no key")


class Callers(PressCase):
    def test_only_the_newest_secret_works(self):
        pair = self.call("account.create_api_secret")
        self.assertEqual((self.send("site.options_for_new")[0], pair["api_key"]), (401, "test-key"))
        basic = base64.b64encode(("%(api_key)s:%(api_secret)s" % pair).encode()).decode()
        self.call("site.options_for_new", {"Authorization": "Basic " + basic})

    def test_a_team_one_is_not_in_is_silently_the_first(self):
        for team, owner in (("team-two", "team-two"), ("team-nine", "team-one")):
            made = self.call("site.new", dict(TOKEN, **{"X-Press-Team": team}), site=dict(SITE, name="for-" + team))
            headers = dict(TOKEN, **{"X-Press-Team": owner})
            self.assertEqual(self.call("site.get", headers, name=made["site"])["team"], owner)
        self.refused(403, "PermissionError", "site.get", name="for-team-two.frappe.cloud")
        self.assertEqual(self.call("account.current_team", dict(TOKEN, **{"X-Press-Team": "team-nine"}))["name"], "team-one")

    def test_paths_that_are_closed(self):
        answer = self.server.request("GET", "/api/method/frappe.client.get_list", headers=TOKEN)
        self.assertEqual((answer.status, json.loads(answer.body)["exc_type"]), (401, "AuthenticationError"))


class Switches(PressCase):
    def test_names_are_told_so_many_times_a_minute(self):
        self.server.control("POST", "mode", {"exists_per_minute": 1})
        self.assertFalse(self.call("site.exists", {}, subdomain="acme-one", domain="frappe.cloud"))
        self.refused(429, "RateLimitExceededError", "site.exists", subdomain="acme-one", domain="frappe.cloud")

    def test_what_is_missing_may_look_like_what_is_not_ours(self):
        self.server.control("POST", "mode", {"hide_missing": True})
        self.refused(403, "PermissionError", "site.get", name="none.frappe.cloud")

    def test_a_custom_domain_leads_to_its_site(self):
        self.server.control("POST", "site", {"site": "other.frappe.cloud", "team": "team-two", "domain": NAME})
        answer = self.server.request("GET", "/api/method/press.api.site.get?name=" + NAME, None, TOKEN)
        self.assertEqual(answer.status, 302)
        self.assertTrue(self.call("site.exists", subdomain="acme-one", domain="frappe.cloud"))

    def test_a_site_under_a_domain_that_nobody_asked_for(self):
        self.server.control("POST", "mode", {"made_under": "erpnext.example"})
        self.assertEqual(self.call("site.new", site=SITE)["site"], "acme-one.erpnext.example")

    def test_jobs_that_never_start_or_are_forgotten(self):
        self.fault({"never_start": True}, job="New Site")
        self.fault({"lost": True}, job="Add Site to Upstream")
        made = self.call("site.new", site=SITE)
        self.tick()
        self.assertEqual(self.call("site.get_job_status", job_name=made["job"]), {"status": "Pending"})
        self.refused(404, "DoesNotExistError", "site.job", job=self.call("site.jobs", filters={"site": NAME})[0]["name"])

    def test_a_lost_answer_after_the_site_was_made(self):
        self.fault({"drop": "after"}, path_regex="site.new$", times=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.send("site.new", site=SITE)
        self.assertEqual(self.status(), "Installing")

    def test_frappes_exceptions_at_will(self):
        self.fault({"exc_type": "RateLimitExceededError"}, times=1)
        self.refused(429, "RateLimitExceededError", "site.get", name=NAME)

    def test_a_job_that_is_stuck_and_time_that_goes_on_by_itself(self):
        self.fault({"stuck": True, "at": "Install Apps"}, job="New Site")
        made = self.call("site.new", site=SITE)
        self.server.control("POST", "mode", {"manual": False, "step_ms": 1})
        self.wait_until(lambda: [job["status"] for job in self.call("site.jobs", filters={"site": NAME})] == ["Success", "Running"])
        self.assertEqual(self.call("site.job", job=made["job"])["steps"][1]["status"], "Running")
        self.assertEqual(self.status(), "Installing")


if __name__ == "__main__":
    unittest.main()
