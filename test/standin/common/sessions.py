"""Login sessions that one stand-in opens and another one knows: Agent's sid is good for the site's ERPNext."""

import hashlib
import secrets

NONCE = 16


def signature(site, user, nonce):
    return hashlib.sha256(("%s %s %s" % (site, user, nonce)).encode()).hexdigest()[:56 - NONCE]


def open_session(site, user):
    """56 hexadecimal digits, as Frappe's are; each call gives others."""
    nonce = secrets.token_hex(NONCE // 2)
    return nonce + signature(site, user, nonce)


def user_of(sid, site, users):
    """Which of these users of the site the session is of; None for one of another site, or of nobody."""
    nonce, rest = sid[:NONCE], sid[NONCE:]
    return next((user for user in users if signature(site, user, nonce) == rest), None)
