"""The ERPNext that is tested, read with a client of our own so that the worker's is not its own witness."""

import json
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 180


class SiteError(Exception):
    def __init__(self, status, text):
        super().__init__("%s: %s" % (status, text))
        self.status = status


class KeepHere(urllib.request.HTTPRedirectHandler):
    """The key would go along with a redirect."""

    def redirect_request(self, request, file, code, message, headers, new_url):
        return None


class Site:
    def __init__(self, url, key, secret, host=None):
        self.url = url.rstrip("/")
        self.headers = {"Authorization": "token %s:%s" % (key, secret), "Accept": "application/json"}
        if host:
            self.headers["Host"] = host
            self.headers["X-Frappe-Site-Name"] = host
        self.opener = urllib.request.build_opener(KeepHere)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = dict(self.headers, **({"Content-Type": "application/json"} if data else {}))
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with self.opener.open(request, timeout=TIMEOUT) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SiteError(error.code, error.read()[:500].decode("utf-8", "replace")) from None
        except (urllib.error.URLError, OSError) as error:
            raise SiteError("no answer", getattr(error, "reason", error)) from None
        try:
            return json.loads(text)
        except ValueError:
            raise SiteError("no JSON", text[:200].decode("utf-8", "replace")) from None

    def method(self, name, **arguments):
        query = urllib.parse.urlencode({key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()})
        return self.call("GET", "/api/method/%s?%s" % (name, query)).get("message")

    def document(self, doctype, name):
        """None when there is none."""
        try:
            return self.call("GET", path_of(doctype, name))["data"]
        except SiteError as error:
            if error.status == 404:
                return None
            raise

    def list(self, doctype, filters=(), fields=("name",)):
        return self.method("frappe.client.get_list", doctype=doctype, filters=list(filters), fields=list(fields),
                           limit_page_length=0, order_by="name asc") or []

    def names(self, doctype, *filters):
        return [found["name"] for found in self.list(doctype, filters)]

    def create(self, doctype, **fields):
        return self.call("POST", "/api/resource/" + urllib.parse.quote(doctype), fields)["data"]

    def remove(self, doctype, name):
        """A document that is gone already is as good."""
        try:
            self.call("DELETE", path_of(doctype, name))
        except SiteError as error:
            if error.status != 404:
                raise

    def run(self, doctype, name, method):
        return self.call("POST", path_of(doctype, name), {"run_method": method})


def path_of(doctype, name):
    return "/api/resource/%s/%s" % (urllib.parse.quote(doctype, safe=""), urllib.parse.quote(name, safe=""))
