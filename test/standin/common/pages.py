"""The answers that are not JSON: gunicorn's, werkzeug's and a proxy's pages."""

HTML = "text/html; charset=utf-8"

GUNICORN = """<html>
  <head>
    <title>%(title)s</title>
  </head>
  <body>
    <h1><p>%(title)s</p></h1>
    %(text)s
  </body>
</html>
"""

WERKZEUG = """<!doctype html>
<html lang=en>
<title>%(status)d %(title)s</title>
<h1>%(title)s</h1>
<p>%(text)s</p>
"""

FRAPPE = """<!DOCTYPE html>
<!-- Built on Frappe. https://frappeframework.com/ -->
<html lang="en">
<head>
	<meta charset="utf-8">
	<meta name="generator" content="frappe">
	<title>%(title)s</title>
</head>
<body><div class="page-card"><h5>%(title)s</h5><p>%(text)s</p></div></body>
</html>
"""

PROXY = """<html>
<head><title>%(status)d %(title)s</title></head>
<body>
<center><h1>%(status)d %(title)s</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""

INTERNAL_ERROR = (GUNICORN % {"title": "Internal Server Error", "text": ""}).encode()

TITLES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
          413: "Request Entity Too Large", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
          503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


def gunicorn(status, text):
    return (GUNICORN % {"title": TITLES.get(status, "Error"), "text": text}).encode()


def werkzeug(status, text):
    return (WERKZEUG % {"status": status, "title": TITLES.get(status, "Error"), "text": text}).encode()


def frappe(status, text):
    return (FRAPPE % {"title": TITLES.get(status, "Error"), "text": text}).encode()


def proxy(status):
    return (PROXY % {"status": status, "title": TITLES.get(status, "Error")}).encode()
