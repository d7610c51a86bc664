"""The switches that tests rely on: faults, modes, races, log and inventory."""

import concurrent.futures
import http.client
import json
import socket
import time
import unittest

from standin_process import MAX_WAIT_SECONDS, StandInCase

HEADERS = {"Host": "erp.localhost", "Authorization": "token test-key:test-secret", "Content-Type": "application/json"}


class Switches(StandInCase):
    def call(self, method, path, body=None, timeout=10):
        answer = self.server.request(method, path, body, HEADERS, timeout)
        return answer.status, answer.body, dict(answer.headers)

    def create(self, name, doctype="Warehouse", timeout=10, **values):
        if doctype == "Warehouse":
            values = {"warehouse_name": name, "company": "Platform Co"}
        return self.call("POST", "/api/resource/" + doctype.replace(" ", "%20"), values, timeout)

    def exists(self, name):
        return self.call("GET", "/api/resource/Warehouse/%s%%20-%%20PLT" % name)[0] == 200


class Faults(Switches):
    def test_drop_before_leaves_nothing_and_drop_after_leaves_the_document(self):
        self.fault({"drop": "before"}, method="POST", nth=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create("Before")
        self.assertFalse(self.exists("Before"))
        self.server.control("DELETE", "fault")
        self.fault({"drop": "after"}, method="POST", nth=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create("After")
        self.assertTrue(self.exists("After"))

    def test_a_client_that_leaves_does_not_stop_the_effect(self):
        self.fault({"delay_ms": 300}, method="POST")
        with self.assertRaises(socket.timeout):
            self.create("Late", timeout=0.05)
        self.assertFalse(self.exists("Late"))
        self.wait_until(lambda: self.exists("Late"))

    def test_a_late_answer_after_the_effect(self):
        self.fault({"delay_after_ms": 5000}, method="POST")
        with self.assertRaises(socket.timeout):
            self.create("Early", timeout=0.2)
        self.assertTrue(self.exists("Early"))

    def test_a_request_is_held_until_its_fault_is_cleared(self):
        for moment, is_done in (("before", False), ("after", True)):
            name = "Held" + moment
            fault = self.fault({"hold": moment}, method="POST", nth=1)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                call = pool.submit(self.create, name, timeout=60)
                self.wait_until(lambda: self.server.control("GET", "fault")[0]["hits"] == 1)
                self.assertEqual(self.exists(name), is_done)
                self.assertFalse(call.done())
                self.server.control("DELETE", "fault?id=%d" % fault["id"])
                self.assertEqual(call.result()[0], 200)
            self.assertTrue(self.exists(name))

    def test_what_a_reset_finds_held_is_never_done(self):
        self.fault({"hold": "before"}, method="POST")
        with self.assertRaises(socket.timeout):
            self.create("Forgotten", timeout=0.5)
        self.server.control("POST", "reset")
        self.assertFalse(self.exists("Forgotten"))

    def test_reset_cuts_the_answer_off(self):
        self.fault({"reset": 20}, method="POST", times=1)
        with self.assertRaises((ConnectionResetError, http.client.HTTPException)):
            self.create("Reset")

    def test_a_trickle_arrives_whole_but_late(self):
        self.fault({"trickle": {"bytes": 40, "ms": 20}}, method="GET", times=1)
        start = time.monotonic()
        self.assertEqual(json.loads(self.call("GET", "/api/method/ping")[1]), {"message": "pong"})
        self.assertGreater(time.monotonic() - start, 0.06)
        self.assertEqual(self.server.control("GET", "log")[0]["status"], "trickled")

    def test_an_answer_made_up_stands_for_a_request_not_carried_out(self):
        self.fault({"status": 429, "headers": {"Retry-After": 7}, "body": "{}"}, method="POST", times=1)
        status, body, headers = self.create("Limited")
        self.assertEqual((status, headers["Retry-After"]), (429, "7"))
        self.assertFalse(self.exists("Limited"))
        self.assertEqual(self.create("Limited")[0], 200)

    def test_exc_type_gives_frappes_body_and_effect_true_commits(self):
        self.fault({"exc_type": "QueryDeadlockError", "body": "(1213, 'Deadlock found')"}, method="POST", times=1)
        status, body, _ = self.create("Deadlock")
        self.assertEqual((status, json.loads(body)["exc_type"]), (500, "QueryDeadlockError"))
        self.server.control("DELETE", "fault")
        self.fault({"status": 502, "effect": True}, method="POST", times=1)
        self.assertEqual(self.create("Committed")[0], 502)
        self.assertTrue(self.exists("Committed"))

    def test_every_kind_of_garbage_is_sent(self):
        for kind in ("html", "binary", "nul", "deep", "cut", "empty"):
            with self.subTest(kind):
                self.server.control("DELETE", "fault")
                self.fault({"garbage": kind}, method="GET")
                with self.assertRaises((ValueError, RecursionError)):
                    json.loads(self.call("GET", "/api/resource/Company")[1])
        self.server.control("DELETE", "fault")
        self.fault({"garbage": "truncated"}, method="GET")
        with self.assertRaises(http.client.IncompleteRead):
            self.call("GET", "/api/resource/Company")

    def test_every_counts_and_unknown_switches_are_refused(self):
        self.fault({"status": 503}, method="GET", every=3)
        statuses = [self.call("GET", "/api/method/ping")[0] for _ in range(6)]
        self.assertEqual(statuses, [200, 200, 503, 200, 200, 503])
        with self.assertRaises(RuntimeError):
            self.fault({"dealy_ms": 1})

    def test_a_half_made_company_exists_without_its_accounts(self):
        self.fault({"half_made_company": True}, method="POST", times=1)
        company = {"company_name": "Half", "abbr": "HLF", "default_currency": "USD", "country": "Kenya"}
        self.assertEqual(self.create("Half", "Company", **company)[0], 500)
        found = self.server.control("GET", "doc?doctype=Company&name=Half")
        self.assertIsNone(found["default_cash_account"])
        self.assertEqual(self.create("Half", "Company", **company)[0], 409)


class Permissions(Switches):
    def may(self, doctype, permission, name=""):
        path = "/api/method/frappe.client.has_permission?doctype=%s&docname=%s&perm_type=%s" % (doctype, name, permission)
        status, body, _ = self.call("GET", path)
        return json.loads(body)["message"]["has_permission"] if status == 200 else status

    def test_has_permission_answers_for_the_document_type_unless_a_document_is_named(self):
        self.assertIs(self.may("Warehouse", "create"), True)
        self.assertIs(self.may("Warehouse", "submit"), False)
        self.assertEqual(self.may("Warehouse", "read", "Nowhere"), 404)
        self.assertEqual(self.may("Nothing", "read"), 404)

    def test_what_is_denied_is_refused_until_it_is_given_back(self):
        self.server.control("POST", "deny", {"name": "Administrator", "denied": [["Warehouse", "create"]]})
        self.assertIs(self.may("Warehouse", "create"), False)
        self.assertIs(self.may("Warehouse", "write"), True)
        self.assertEqual(self.create("Denied")[0], 403)
        self.server.control("POST", "deny", {"name": "Administrator", "denied": []})
        self.assertEqual(self.create("Denied")[0], 200)
        with self.assertRaises(RuntimeError):
            self.server.control("POST", "deny", {"name": "Administrator", "denied": [["Warehouse", "eat"]]})


class ModesAndLog(Switches):
    def test_modes(self):
        for mode, status in (({"maintenance": True}, 503), ({"maintenance": False, "database_down": True}, 500),
                             ({"database_down": False, "rate_limit": {"retry_after": 3}}, 429),
                             ({"rate_limit": None}, 200)):
            with self.subTest(mode):
                self.server.control("POST", "mode", mode)
                self.assertEqual(self.call("GET", "/api/method/ping")[0], status)

    def test_the_log_tells_what_happened_and_keeps_no_secret(self):
        self.create("Logged")
        self.fault({"drop": "before"}, method="POST", nth=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create("Dropped")
        first, second = self.server.control("GET", "log?since=0")
        self.assertEqual((first["status"], first["effect"]), (200, "created Warehouse/Logged - PLT"))
        self.assertEqual((second["status"], second["effect"]), ("dropped", None))
        self.assertEqual(first["user"], "Administrator")
        self.assertNotIn("test-secret", json.dumps([first, second]))
        self.assertEqual(self.server.control("GET", "log?since=1"), [second])

    def test_the_inventory_counts_effective_creations(self):
        for _ in range(2):
            self.create("Walk-in", "Customer", customer_name="Walk-in", customer_type="Individual")
            self.create("Main")
        site = self.server.control("GET", "inventory")["erp.localhost"]
        self.assertEqual(site["created"], {"Customer": {"Walk-in": 2}, "Warehouse": {"Main - PLT": 1}})
        self.assertEqual(site["more_than_once"], ["Customer/Walk-in"])
        self.server.control("POST", "reset")
        self.assertEqual(self.server.control("GET", "inventory")["erp.localhost"]["created"], {})

    def test_idle_connections_are_closed(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=MAX_WAIT_SECONDS) as client:
            client.sendall(b"GET /api/method/ping HTTP/1.1\r\nHost: erp.localhost\r\n\r\n")
            received = b""
            while chunk := client.recv(4096):
                received += chunk
        self.assertTrue(received.endswith(b'{"message":"pong"}'))


class Races(Switches):
    arguments = ("--races", "--company-ms", "100", "--write-ms", "100", "--settings-ms", "100")

    def at_once(self, *requests):
        with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            answers = [pool.submit(self.create, "", doctype, **values) for doctype, values in requests]
            return [(future.result()[0], json.loads(future.result()[1])) for future in answers]

    def company(self, name, abbr):
        return "Company", {"company_name": name, "abbr": abbr, "default_currency": "USD", "country": "Kenya"}

    def test_of_two_companies_one_fails_and_leaves_nothing(self):
        for number in range(4):
            one, two = self.company("A%d" % number, "A%d" % number), self.company("B%d" % number, "B%d" % number)
            answers = sorted(self.at_once(one, two), key=lambda answer: answer[0])
            self.assertEqual(answers[0][0], 200)
            self.assertIn((answers[1][0], answers[1][1]["exc_type"]),
                          ((500, "QueryDeadlockError"), (417, "LinkValidationError")))
        companies = self.call("GET", "/api/resource/Company?limit_page_length=0")[1]
        self.assertEqual(len(json.loads(companies)["data"]), 1 + 4)

    def test_the_same_company_three_times_is_made_once(self):
        answers = self.at_once(*[self.company("Same", "SME")] * 3)
        self.assertEqual(sorted(status for status, body in answers), [200, 409, 409])

    def test_the_same_customer_three_times_is_made_once(self):
        customer = "Customer", {"customer_name": "Race", "customer_type": "Individual"}
        self.assertEqual(sorted(status for status, body in self.at_once(*[customer] * 3)), [200, 409, 409])

    def test_the_same_price_three_times_makes_three_rows(self):
        self.create("", "Item", item_code="RACE", item_group="Products")
        price = "Item Price", {"item_code": "RACE", "price_list": "Standard Buying", "price_list_rate": 5}
        self.assertEqual([status for status, body in self.at_once(*[price] * 3)], [200, 200, 200])


if __name__ == "__main__":
    unittest.main()
