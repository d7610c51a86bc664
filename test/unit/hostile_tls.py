"""Certificates made for one run by openssl, and the ways to misbehave in a TLS handshake."""

import os
import ssl
import subprocess
import warnings

RIGHT_NAMES = "IP:127.0.0.1,IP:::1,DNS:localhost"
# What "openssl ca" wants to know; it alone makes certificates whose time has passed.
CA_CONFIG = """
[ca]
default_ca = test_ca
[test_ca]
new_certs_dir = {folder}
database = {folder}/index
rand_serial = yes
default_md = sha256
policy = any_name
copy_extensions = copy
unique_subject = no
[any_name]
commonName = supplied
"""


def openssl(*arguments):
    subprocess.run(("openssl",) + arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def request_options(path, names):
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path + ".key",
            "-subj", "/CN=test", "-addext", "subjectAltName=" + names)


def make_certificate(folder, name, names):
    """A self-signed one; its files are <name>.pem and <name>.key."""
    path = os.path.join(folder, name)
    openssl("req", "-x509", *request_options(path, names), "-out", path + ".pem", "-days", "2")
    return path


def make_authority(folder):
    """A certificate authority; its certificate is authority.pem."""
    path = os.path.join(folder, "authority")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path + ".key",
            "-subj", "/CN=test authority", "-addext", "basicConstraints=critical,CA:TRUE", "-out", path + ".pem", "-days", "2")
    with open(path + ".cnf", "w", encoding="ascii") as config:
        config.write(CA_CONFIG.format(folder=folder))
    with open(os.path.join(folder, "index"), "w", encoding="ascii"):
        pass
    return path


def sign_certificate(authority, name, names, start, end):
    """One that the authority signed, valid from start to end (YYYYMMDDHHMMSSZ)."""
    path = os.path.join(os.path.dirname(authority), name)
    openssl("req", "-new", *request_options(path, names), "-out", path + ".csr")
    openssl("ca", "-batch", "-notext", "-config", authority + ".cnf", "-cert", authority + ".pem", "-keyfile", authority + ".key",
            "-in", path + ".csr", "-out", path + ".pem", "-startdate", start, "-enddate", end)
    return path


def make_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate + ".pem", certificate + ".key")
    return context


def make_old_context(certificate):
    warnings.simplefilter("ignore", DeprecationWarning)
    context = make_context(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def seal_key(path):
    """The key in <path>.key once more, protected by a passphrase, as <path>.sealed.key."""
    openssl("pkey", "-in", path + ".key", "-aes256", "-passout", "pass:passphrase", "-out", path + ".sealed.key")


def make_demanding_context(certificate, authority, version):
    """Wants a certificate that the authority signed: up to TLS 1.2 within the handshake, later when the client thinks it is over."""
    context = make_context(certificate)
    context.load_verify_locations(authority + ".pem")
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def serve_nothing(stream):
    """Reads the beginning of a TLS handshake and goes away."""
    stream.recv(100)


def serve_silence(stream):
    """Takes the connection, and never answers the TLS handshake."""
    while stream.recv(65536):
        pass
