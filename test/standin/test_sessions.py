"""What one server's Agent and its ERPNext share: a session that Agent opens is one of the site's user."""

import json
import unittest

from standin_process import AgentStandIn, StandIn

BENCH = "bench-0001-000001-f1"
TOKEN = {"Authorization": "bearer test-token", "Content-Type": "application/json"}
WHO = "/api/method/frappe.auth.get_logged_user"
KEYS = "/api/method/frappe.core.doctype.user.user.generate_keys"


class Sessions(unittest.TestCase):
    def setUp(self):
        self.agent = self.enterContext(AgentStandIn())
        self.erpnext = self.enterContext(StandIn("--site", "a.example.com:bare", "--site", "b.example.com:bare"))
        for site in ("a.example.com", "b.example.com"):
            self.agent.control("POST", "site", {"site": site})

    def open(self, site):
        answer = self.agent.request("POST", "/agent/benches/%s/sites/%s/sid" % (BENCH, site), {"user": "Administrator"}, TOKEN)
        return json.loads(answer.body)["sid"]

    def ask(self, path, site="a.example.com", body=None, **headers):
        answer = self.erpnext.request("POST" if body is not None else "GET", path, body, {"Host": site, **headers})
        return answer.status, json.loads(answer.body).get("message")

    def test_a_session_is_good_for_its_site_until_it_ends(self):
        sid = self.open("a.example.com")
        cookie = {"Cookie": "x=1; sid=" + sid}
        self.assertEqual(len(sid), 56)
        self.assertNotEqual(sid, self.open("a.example.com"))
        self.assertEqual(self.ask(WHO, **cookie), (200, "Administrator"))
        self.assertEqual(self.ask(WHO, "b.example.com", **cookie)[0], 403)
        self.assertEqual(self.ask(WHO, Cookie="sid=" + sid[::-1])[0], 403)
        self.assertEqual(self.ask("/api/method/logout", body={}, **cookie)[0], 200)
        self.assertEqual(self.ask(WHO, **cookie)[0], 403)

    def test_new_keys_take_the_place_of_the_old_ones(self):
        cookie = {"Cookie": "sid=" + self.open("a.example.com")}
        user = {"email": "robot@a.example.com", "first_name": "Robot", "roles": [{"role": "System Manager"}]}
        self.assertEqual(self.ask("/api/resource/User", body=user, **cookie)[0], 200)
        secrets = [self.ask(KEYS, body={"user": user["email"]}, **cookie)[1]["api_secret"] for _ in range(2)]
        shown = self.erpnext.request("GET", "/api/resource/User/robot@a.example.com", None, {"Host": "a.example.com", **cookie})
        document = json.loads(shown.body)["data"]
        key = document["api_key"]
        self.assertEqual(document["api_secret"], "*" * 15)
        self.assertEqual(self.ask(WHO, Authorization="token %s:%s" % (key, secrets[0]))[0], 401)
        self.assertEqual(self.ask(WHO, Authorization="token %s:%s" % (key, secrets[1])), (200, user["email"]))
        self.assertEqual(self.ask(WHO, "b.example.com", Authorization="token %s:%s" % (key, secrets[1]))[0], 401)
        self.assertEqual(self.erpnext.control("GET", "told"), secrets)


if __name__ == "__main__":
    unittest.main()
