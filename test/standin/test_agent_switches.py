"""The switches of the stand-in for Agent: every fault a client must survive, control of time, counts."""

import http.client
import json
import socket
import threading
import unittest

from standin_process import AgentStandIn, StandInCase

BENCH = "/agent/benches/bench-0001-000001-f1"
TOKEN = {"Authorization": "bearer test-token"}
NEW_SITE = {"config": {}, "apps": ["frappe", "erpnext"], "mariadb_root_password": "test-root", "admin_password": "Secret123"}
SITE = "acme.example.com"
STEPS = ["New Site", "Install Apps", "Update Site Configuration", "Enable Scheduler", "Bench Setup NGINX", "Reload NGINX"]
ENOUGH = 40         # ticks that end any job


class AgentCase(StandInCase):
    standin = AgentStandIn
    arguments = ("--manual",)

    def call(self, method, path, body=None, key=None, timeout=10):
        headers = dict(TOKEN, **({"X-Agent-Job-Id": key} if key else {}))
        return self.server.request(method, path, body, headers, timeout)

    def read(self, path):
        answer = self.call("GET", "/agent" + path)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def submit(self, path, key=None, **body):
        answer = self.call("POST", BENCH + path, body, key)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)["job"]

    def create(self, key="k-create", site=SITE, **more):
        return self.submit("/sites", key, name=site, **dict(NEW_SITE, **more))

    def archive(self, site=SITE, key=None):
        return self.submit("/sites/%s/archive" % site, key, mariadb_root_password="test-root")

    def job(self, number):
        return self.read("/jobs/%d" % number)

    def tick(self, count=ENOUGH, **body):
        return self.server.control("POST", "tick", dict(body, count=count))

    def done(self, number):
        self.tick()
        return self.job(number)

    def inventory(self):
        return self.server.control("GET", "inventory")["f1.local"]

    def mode(self, **changes):
        self.server.control("POST", "mode", changes)

    def sites(self):
        return sorted(self.read("/benches/bench-0001-000001-f1/sites"))

    def steps(self, job):
        return [step["name"] for step in job["steps"]]

    def send_new_site(self, key="k", timeout=10):
        return self.call("POST", BENCH + "/sites", dict(NEW_SITE, name=SITE), key, timeout)


class Requests(AgentCase):
    def test_the_answer_comes_after_the_client_has_left_and_the_job_is_there(self):
        self.fault({"delay_ms": 300}, method="POST")
        with self.assertRaises(socket.timeout):
            self.send_new_site("late", timeout=0.05)
        self.assertEqual(self.read("/agent-jobs/late"), [], "an early look finds nothing")
        self.wait_until(lambda: self.read("/agent-jobs/late"))

    def test_closed_without_an_answer_after_the_job_was_accepted(self):
        self.fault({"drop": "after"}, method="POST", nth=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.send_new_site("lost")
        self.assertEqual([job["agent_job_id"] for job in self.read("/agent-jobs/lost")], ["lost"])

    def test_closed_before_the_job_was_accepted(self):
        self.fault({"drop": "before"}, method="POST", nth=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.send_new_site("never")
        self.assertEqual(self.read("/agent-jobs/never"), [])

    def test_a_page_of_the_proxy_instead_of_agent_with_and_without_the_job(self):
        for effect, jobs in ((False, 0), (True, 1)):
            self.fault({"status": 502, "effect": effect}, method="POST", times=1)
            answer = self.send_new_site("gateway")
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (502, "text/html"))
            self.assertEqual(len(self.read("/agent-jobs/gateway")), jobs)

    def test_a_ghost_is_a_500_whose_row_is_pending_for_ever(self):
        self.fault({"ghost": True}, method="POST", times=1)
        answer = self.send_new_site("ghost")
        self.assertEqual((answer.status, json.loads(answer.body)["error"][-1][:33]), (500, "redis.exceptions.ConnectionError:"))
        self.tick()
        self.assertEqual([job["status"] for job in self.read("/agent-jobs/ghost")], ["Pending"])
        self.assertEqual((self.inventory()["created"], self.inventory()["started"]), ({"Ghost": {"ghost": 1}}, {}))

    def test_a_trickle_of_bytes(self):
        self.fault({"trickle": {"bytes": 1, "ms": 50}}, method="GET", times=1)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as client:
            client.sendall(b"GET /agent/ping HTTP/1.1\r\nAuthorization: bearer test-token\r\n\r\n")
            self.assertLess(len(client.recv(4096)), 10)

    def test_the_token_comes_before_everything_and_may_be_a_password(self):
        wrong = self.server.request("GET", "/agent/nope", headers={"Authorization": "bearer  test-token"})
        self.assertEqual((wrong.status, wrong.headers["WWW-Authenticate"]), (401, "Basic"))
        self.assertEqual(self.call("GET", "/agent/nope").status, 500)
        self.assertEqual(self.server.request("GET", "/10.0.0.1:443/agent/ping", headers={"Authorization": "BEARER test-token"}).status, 200)
        self.assertEqual(self.call("POST", "/agent/authentication", {"token": "new"}).status, 200)
        self.assertEqual(self.call("GET", "/agent/ping").status, 401)

    def test_a_body_that_is_no_object_and_a_bench_or_site_that_is_not_there(self):
        for path, body, status, exception in (
                (BENCH + "/sites", [], 500, "AttributeError"), (BENCH + "/sites", {}, 500, "KeyError: 'name'"),
                ("/agent/benches/none/sites", {}, 404, "agent.exceptions.BenchNotExistsException"),
                (BENCH + "/sites/none/create-user", {}, 404, "agent.exceptions.SiteNotExistsException")):
            answer = self.call("POST", path, body)
            self.assertEqual(answer.status, status)
            self.assertTrue(json.loads(answer.body)["error"][-1].startswith(exception), answer.body)

    def test_unknown_switches_are_refused(self):
        for action in ({"kil": True}, {"at": "New Site"}, {"kill": True, "drop": "after"}):
            with self.assertRaises(RuntimeError):
                self.fault(action)
        with self.assertRaises(RuntimeError):
            self.mode(reddis_down=True)


class Jobs(AgentCase):
    def test_steps_appear_when_they_start_and_show_what_they_do(self):
        number = self.create()
        self.assertEqual(self.job(number)["status"], "Pending")
        self.tick(2)
        job = self.job(number)
        self.assertEqual((job["status"], self.steps(job), job["data"]["args"][3:]), ("Running", ["New Site"], ["test-root", "Secret123"]))
        self.assertIn("[20%]", job["steps"][0]["commands"][0]["output"])
        self.tick(4)
        self.assertEqual(self.steps(self.job(number)), STEPS[:2])
        job = self.done(number)
        self.assertEqual((job["status"], self.steps(job), job["data"]), ("Success", STEPS, {}))
        self.assertEqual(self.inventory()["sites"]["bench-0001-000001-f1/" + SITE]["apps"], ["frappe", "erpnext"])

    def test_a_worker_that_is_killed_leaves_failure_without_end_or_output(self):
        self.fault({"kill": True, "at": "Install Apps"}, job="New Site")
        job = self.done(self.create())
        self.assertEqual((job["status"], job["end"], job["data"]["function"]), ("Failure", None, "new_site"))
        self.assertEqual([step["status"] for step in job["steps"]], ["Success", "Running"])
        self.assertEqual(self.sites(), [SITE], "the half-made site stays")
        self.server.control("POST", "redis", {"lose": "everything"})
        self.assertEqual(self.job(job["id"])["status"], "Running", "only redis knew")

    def test_killed_at_the_first_moment_leaves_a_directory_that_cannot_be_archived(self):
        self.fault({"kill": True, "after": 1}, job="New Site", times=1)
        self.done(self.create())
        self.assertEqual(self.sites(), [])
        self.assertIn("already exists", self.done(self.create("k2"))["data"]["output"])
        self.assertIn("KeyError", self.done(self.archive())["data"]["traceback"])

    def test_a_job_that_is_stuck_runs_until_it_is_cancelled_or_out_of_time(self):
        self.fault({"stuck": True, "at": "Install Apps"}, job="New Site")
        stuck, late = self.create(), self.create("late", "late.example.com", agent_job_timeout=1)
        self.tick()
        self.assertEqual(self.job(stuck)["status"], "Running")
        cancelled = json.loads(self.call("POST", "/agent/jobs/%d/cancel" % stuck).body)
        self.assertEqual((cancelled["status"], cancelled["steps"][1]["status"]), ("Failure", "Running"))
        self.assertIsNotNone(cancelled["end"])
        self.assertIn("test-root", cancelled["data"]["description"], "redis keeps the passwords")
        self.wait_until(lambda: self.job(late)["status"] == "Failure")
        self.assertIn("JobTimeoutException", self.job(late)["data"]["traceback"])

    def test_a_job_that_never_starts(self):
        self.fault({"never_start": True}, site="idle.example.com")
        idle, other = self.create("idle", "idle.example.com"), self.create("other")
        self.tick()
        self.assertEqual([self.job(number)["status"] for number in (idle, other)], ["Pending", "Success"])

    def test_a_step_that_fails_leaves_the_site_and_no_later_step(self):
        for step, missing in (("New Site", STEPS[1:]), ("Install Apps", STEPS[2:])):
            site = step.replace(" ", "-").lower() + ".example.com"
            self.fault({"fail": {"output": "disk full", "returncode": 3}, "at": step}, job="New Site", times=1)
            job = self.done(self.create(site, site))
            self.assertEqual((job["status"], job["data"]["returncode"], job["data"]["output"]), ("Failure", 3, "disk full"))
            self.assertEqual(set(self.steps(job)) & set(missing), set())
            self.assertIn(site, self.sites())
            again = self.done(self.create("again", site))
            self.assertEqual((again["status"], self.steps(again)), ("Failure", ["New Site"]))

    def test_a_failure_of_python_has_a_traceback_and_no_command(self):
        self.fault({"fail": {"traceback": "KeyError: 'x'"}, "at": "Update Site Configuration"})
        self.assertEqual(self.done(self.create())["data"], {"traceback": "KeyError: 'x'"})

    def test_cancelling_what_is_over_makes_it_a_failure(self):
        number = self.create()
        self.tick()
        self.assertEqual(json.loads(self.call("POST", "/agent/jobs/%d/cancel" % number).body)["status"], "Failure")
        self.assertEqual(self.job(number)["status"], "Failure")
        self.assertEqual(self.sites(), [SITE])

    def test_a_step_twice_or_not_shown(self):
        self.fault({"repeat_step": True, "at": "Install Apps"}, times=1)
        self.assertEqual(self.steps(self.done(self.create()))[:3], ["New Site", "Install Apps", "Install Apps"])
        self.server.control("DELETE", "fault")
        self.fault({"hide_step": "Install Apps"})
        self.assertNotIn("Install Apps", self.steps(self.done(self.create("k2", "two.example.com"))))

    def test_times_without_a_fraction(self):
        self.fault({"whole_seconds": True}, site=SITE)
        job = self.done(self.create())
        for text in (job["enqueue"], job["start"], job["end"], job["steps"][0]["start"]):
            self.assertRegex(text, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertRegex(job["duration"], r"^\d\d:\d\d:\d\d$")

    def test_output_that_is_huge_or_no_utf8(self):
        self.fault({"output_bytes": 20_000_000, "at": "New Site"}, site=SITE)
        self.fault({"output": "caf\N{REPLACEMENT CHARACTER} \x00 \x1b[31m", "fail": {"output": ""}, "at": "New Site"}, site="odd.example.com")
        huge, odd = self.create(), self.create("odd", "odd.example.com")
        self.tick()
        self.assertGreater(len(self.call("GET", "/agent/jobs/%d" % huge, timeout=60).body), 20_000_000)
        answer = self.call("GET", "/agent/jobs/%d" % odd).body
        self.assertIn(rb"caf\ufffd \u0000 \u001b[31m", answer)


class Servers(AgentCase):
    def test_redis_down_makes_ghosts_and_hides_jobs_but_not_the_ping(self):
        number = self.create()
        self.mode(redis_down=True)
        self.assertEqual(self.send_new_site("ghost").status, 500)
        self.assertEqual([self.call("GET", "/agent" + path).status for path in ("/jobs/%d" % number, "/agent-jobs/ghost", "/jobs", "/ping")],
                         [500, 500, 200, 200])
        self.mode(redis_down=False)
        self.tick()
        self.assertEqual([self.job(number)["status"], self.read("/agent-jobs/ghost")[0]["status"]], ["Success", "Pending"])

    def test_redis_that_lost_its_data_leaves_what_waits_pending_and_takes_the_output(self):
        done = self.create()
        self.tick()
        waiting = self.create("waiting", "two.example.com")
        self.server.control("POST", "redis", {"lose": "everything"})
        self.tick()
        self.assertEqual(self.job(waiting)["status"], "Pending")
        self.assertEqual([step["commands"] for step in self.job(done)["steps"]], [[]] * len(STEPS))

    def test_a_restart_keeps_the_history_and_kills_what_ran(self):
        self.mode(workers=1, backup_workers=0)
        done = self.create()
        self.tick()
        running, waiting = self.create("running", "two.example.com"), self.create("waiting", "three.example.com")
        self.tick(2)
        self.server.control("POST", "restart", {"history": "kept"})
        self.assertEqual([self.job(number)["status"] for number in (done, running, waiting)], ["Success", "Failure", "Pending"])
        self.tick()
        self.assertEqual(self.job(waiting)["status"], "Success")

    def test_a_restart_that_loses_the_history_gives_numbers_again(self):
        number = self.create()
        self.tick()
        self.server.control("POST", "restart", {"history": "lost"})
        self.assertEqual((self.read("/jobs"), self.read("/agent-jobs/k-create")), ([], []))
        self.assertEqual(self.call("GET", "/agent/jobs/%d" % number).status, 500)
        self.assertEqual((self.create("k2", "two.example.com"), self.sites()), (number, [SITE]))

    def test_nobody_answers_while_the_server_is_down(self):
        self.server.control("POST", "restart", {"down_ms": 400})
        self.wait_until(lambda: not self.is_up())
        self.wait_until(self.is_up)

    def is_up(self):
        try:
            return self.call("GET", "/agent/ping").status == 200
        except OSError:
            return False

    def test_queues_are_served_by_rank_and_backups_by_their_own_workers(self):
        self.server.control("POST", "site", {"site": SITE})
        self.mode(workers=1, backup_workers=0)
        backup, archive = self.submit("/sites/%s/backup" % SITE), self.archive("none.example.com")
        create = self.create("high", "high.example.com")
        self.tick(1)
        self.assertEqual([self.job(number)["status"] for number in (backup, archive, create)], ["Pending", "Pending", "Running"])
        self.tick()
        self.assertEqual([self.job(number)["status"] for number in (backup, archive, create)], ["Pending", "Success", "Success"])
        self.mode(backup_workers=1)
        self.assertEqual(self.done(backup)["status"], "Success")

    def test_the_wrong_password_of_the_database_fails_before_anything_is_made(self):
        job = self.done(self.create(mariadb_root_password="wrong"))
        self.assertIn("Access denied", job["data"]["output"])
        self.assertEqual(self.sites(), [])

    def test_a_site_planted_by_somebody_else_and_one_that_does_not_answer(self):
        self.server.control("POST", "site", {"site": SITE, "web": False})
        self.assertIn("already exists, use `--force`", self.done(self.create())["data"]["output"])
        self.assertFalse(self.read("/benches/bench-0001-000001-f1/sites/%s/status" % SITE)["data"]["web"])

    def test_a_proxy_job_runs_until_nginx_has_reloaded_and_needs_a_key(self):
        upstream = "/agent/proxy/upstreams/10.0.0.1/sites"
        number = json.loads(self.call("POST", upstream, {"name": SITE}, "proxy").body)["job"]
        self.tick(4)
        self.assertEqual([self.job(number)["status"], self.job(number)["steps"][-1]["status"]], ["Running", "Running"])
        self.assertEqual(self.done(number)["status"], "Success")
        keyless = json.loads(self.call("POST", upstream, {"name": "two.example.com"}).body)["job"]
        self.assertIn("DataError", self.done(keyless)["data"]["traceback"])
        self.assertEqual(self.inventory()["proxy"]["upstreams"], {"10.0.0.1": [SITE, "two.example.com"]})
        gone = json.loads(self.call("DELETE", upstream + "/" + SITE, {"extra_domains": []}, "gone").body)["job"]
        self.assertEqual(self.done(gone)["status"], "Success")
        self.assertEqual(self.inventory()["proxy"]["upstreams"], {"10.0.0.1": ["two.example.com"]})


class Counts(AgentCase):
    def test_a_double_submit_is_seen_and_only_one_site_is_made(self):
        self.create("twice")
        self.create("twice")
        self.tick()
        counts = self.inventory()
        self.assertEqual((counts["created"]["Submit"], counts["more_than_once"]), ({"twice": 2}, ["Submit/twice"]))
        self.assertEqual((counts["created"]["Site"], counts["started"]), ({"bench-0001-000001-f1/" + SITE: 1}, {"New Site": 2}))
        self.assertEqual(sorted(job["status"] for job in self.read("/agent-jobs/twice")), ["Failure", "Success"])

    def test_what_was_archived_may_be_made_again(self):
        for round_number in (1, 2):
            self.create("create %d" % round_number)
            self.tick()
            self.archive(key="archive %d" % round_number)
            self.tick()
        counts = self.inventory()
        self.assertEqual((counts["created"]["Site"], counts["deleted"]["Site"]), ({"bench-0001-000001-f1/" + SITE: 2},) * 2)
        self.assertEqual((counts["more_than_once"], counts["sites"]), ([], {}))

    def test_backups_that_overlap_are_counted_and_files_uploaded(self):
        self.server.control("POST", "site", {"site": SITE})
        self.mode(backup_workers=2)
        offsite = {"bucket": "b", "path": "acme/today", "auth": {}}
        first = self.submit("/sites/%s/backup" % SITE, "one", with_files=True, offsite=offsite)
        self.submit("/sites/%s/backup" % SITE, "two")
        job = self.done(first)
        self.assertEqual(self.inventory()["overlapping_backups"], 1)
        self.assertEqual(sorted(job["data"]["backups"]), ["database", "private", "public", "site_config"])
        self.assertEqual(len(job["data"]["offsite"]), 4)
        self.assertEqual(self.steps(job), ["Backup Site", "Upload Site Backup to S3"])

    def test_many_jobs_in_one_request(self):
        numbers = [self.create("k%d" % number, "site%d.example.com" % number) for number in range(100)]
        found = self.read("/jobs/" + ",".join(map(str, numbers + [5000])))
        self.assertEqual([job["id"] for job in found], numbers)
        self.assertEqual(self.server.control("GET", "log?method=GET&path_regex=^/agent/jobs/")[0]["status"], 200)


class Time(AgentCase):
    arguments = ("--step-ms", "5")

    def test_jobs_go_on_by_themselves_at_their_own_speed(self):
        self.fault({"step_ms": 100_000}, site="slow.example.com")
        slow, fast = self.create("slow", "slow.example.com"), self.create()
        self.wait_until(lambda: self.job(fast)["status"] == "Success")
        self.assertEqual((self.job(slow)["status"], self.steps(self.job(slow))), ("Running", ["New Site"]))

    def test_time_stops_and_goes_on(self):
        self.mode(manual=True)
        number = self.create()
        self.tick(2)
        self.assertEqual(self.job(number)["status"], "Running")
        self.mode(manual=False)
        self.wait_until(lambda: self.job(number)["status"] == "Success")


class Callback(AgentCase):
    """The one exchange that Agent begins, as recorded in 110_callback_agent_to_press."""

    @classmethod
    def setUpClass(cls):
        cls.listener = cls.enterClassContext(socket.create_server(("127.0.0.1", 0)))
        cls.arguments = ("--manual", "--press-url", "http://127.0.0.1:%d" % cls.listener.getsockname()[1])
        super().setUpClass()

    def test_the_end_of_a_job_is_told(self):
        received = []
        thread = threading.Thread(target=lambda: received.append(self.answer_one()))
        thread.start()
        number = json.loads(self.call("POST", "/agent/ping_job", key="k").body)["job"]
        self.tick()
        thread.join(10)
        head, _, body = received[0].partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /api/method/press.api.callbacks.callback HTTP/1.1\r\n"))
        self.assertIn(b"Content-Type: application/x-www-form-urlencoded", head)
        self.assertNotIn(b"uthorization", head)
        self.assertEqual(body, b"job_id=%d" % number)
        self.wait_until(lambda: self.inventory()["callbacks"] == [{"job_id": number, "outcome": "200"}])

    def answer_one(self):
        self.listener.settimeout(10)
        client, _ = self.listener.accept()
        with client:
            received = b""
            while b"job_id=" not in received:
                received += client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            return received


if __name__ == "__main__":
    unittest.main()
