"""tls: which servers a context accepts, which `ca` it takes, and what a refusal is called."""

import binascii
import socket

from plexus.tls import unverified_context, verifying_context
from plexus.tls.failure import explain
from support import Admin, Proxy, equal, raises


def handshake(context, url, host=None, timeout_s=10):
    """Connect, shake hands, and close; `host` in place of the URL's as the name to verify."""
    authority = url.split("/")[2]
    name, port = authority.rsplit(":", 1)
    connection = socket.socket()
    try:
        connection.settimeout(timeout_s)
        connection.connect(socket.getaddrinfo(name, int(port), 0, socket.SOCK_STREAM)[0][-1])
        context.wrap_socket(connection, server_hostname=host or name).close()
    finally:
        connection.close()


def refusal(context, url, host=None):
    """What explain() says of the exception that the handshake raises."""
    try:
        handshake(context, url, host)
    except (OSError, ValueError) as exc:
        return explain(exc)
    raise AssertionError("the server was accepted")


def test_server_signed_by_the_given_ca_is_accepted(tls_server):
    handshake(verifying_context(binascii.unhexlify(tls_server.ca)), tls_server.good)


def test_self_signed_server_is_refused(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    assert "no trusted authority" in refusal(context, tls_server.self_signed)


def test_server_of_another_authority_is_refused(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    assert "no trusted authority" in refusal(context, tls_server.other_ca)


def test_server_of_an_authority_that_is_not_shipped_is_refused(tls_server):
    assert "no trusted authority" in refusal(verifying_context(), tls_server.good)


def test_certificate_for_another_host_is_refused(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    assert "another host name" in refusal(context, tls_server.wrong_host)


def test_name_asked_for_is_the_name_verified(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    assert "another host name" in refusal(context, tls_server.good, "other.example")


def test_expired_certificate_is_refused(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    assert "has expired" in refusal(context, tls_server.expired)


def test_certificate_of_the_future_points_to_the_clock(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    assert "clock" in refusal(context, tls_server.not_yet_valid)


def test_server_that_speaks_no_tls_is_explained(server):
    context = verifying_context()
    assert "is the endpoint's port one for https?" in refusal(context, server.url)


def test_unverified_context_accepts_a_self_signed_server(tls_server):
    handshake(unverified_context(), tls_server.self_signed)


def test_one_context_serves_several_connections(tls_server):
    context = verifying_context(binascii.unhexlify(tls_server.ca))
    for _ in range(3):
        handshake(context, tls_server.good)


def test_server_that_falls_silent_ends_the_handshake_at_the_timeout(tls_proxy):
    Proxy(tls_proxy.control_url).set(mode="stall", direction="down", after_bytes=100)
    context = verifying_context(binascii.unhexlify(tls_proxy.ca))
    with raises(OSError):
        handshake(context, tls_proxy.ingest, timeout_s=0.5)


def test_connection_cut_in_the_handshake_is_an_error(tls_proxy):
    Proxy(tls_proxy.control_url).set(mode="cut", direction="down", after_bytes=100)
    context = verifying_context(binascii.unhexlify(tls_proxy.ca))
    with raises(OSError):
        handshake(context, tls_proxy.ingest)


def test_refusal_reaches_the_server_as_no_request(tls_server):
    context = verifying_context()
    refusal(context, tls_server.good)
    equal(Admin(tls_server.admin_url).requests(), [])


# --- what `ca` may be -----------------------------------------------------------------------


def shipped():
    from plexus.tls.roots import ROOTS

    return ROOTS


def pem(der):
    text = binascii.b2a_base64(der).strip()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    begin, end = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"
    return begin + b"\n".join(lines) + end


def test_each_shipped_root_can_be_loaded():
    assert len(shipped()) >= 5
    for der in shipped():
        verifying_context(der)


def test_ca_may_be_a_list_of_certificates(tls_server):
    ca = [shipped()[0], binascii.unhexlify(tls_server.ca), shipped()[1]]
    handshake(verifying_context(ca), tls_server.good)


def test_ca_may_be_certificates_in_a_row(tls_server):
    ca = shipped()[0] + binascii.unhexlify(tls_server.ca)
    handshake(verifying_context(ca), tls_server.good)


def test_ca_may_be_in_a_bytearray(tls_server):
    handshake(verifying_context(bytearray(binascii.unhexlify(tls_server.ca))), tls_server.good)


def test_ca_may_be_pem(tls_server):
    ca = b"# the test's own\n" + pem(shipped()[1]) + pem(binascii.unhexlify(tls_server.ca))
    handshake(verifying_context(ca), tls_server.good)
    handshake(verifying_context(ca.decode()), tls_server.good)


def test_given_ca_replaces_the_shipped_roots(tls_server):
    ca = shipped()[0]
    assert "no trusted authority" in refusal(verifying_context(ca), tls_server.good)


def test_unusable_ca_is_refused_by_name():
    der = shipped()[0]
    for ca, part in (
        (b"", "no certificate in it"),
        ([], "no certificate in it"),
        (b"not a certificate", "at byte 0"),
        (b"\x30", "at byte 0"),
        (b"\x30\x82", "at byte 0"),
        (b"\x30\x00", "at byte 0"),
        (b"\x30\x80" + bytes(100), "at byte 0"),
        (der[:-1], "at byte 0"),
        (der + b"\n", "at byte {}".format(len(der))),
        (b"\x30\x82\x01\x00" + bytes(256), "certificate 1 cannot be read"),
        ([der, b"\x30\x82\x01\x00" + bytes(256)], "certificate 2 cannot be read"),
        ("ca.der", "not the name of a file"),
        (12, "needed as bytes"),
        ([None], "needed as bytes"),
        (object(), "needed as bytes"),
        (pem(der)[:-10], "cut off"),
        (b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----", "damaged"),
        (b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "no certificate in it"),
    ):
        with raises(ValueError, "ca: ", part):
            verifying_context(ca)


def test_shipped_roots_do_not_stay_in_memory():
    import sys

    verifying_context()
    assert "plexus.tls.roots" not in sys.modules


def test_failure_without_tls_is_not_explained():
    equal(explain(OSError(111, "ECONNREFUSED")), None)
    equal(explain(ValueError("x")), None)


def test_explanation_of_what_esp32_firmware_raises():
    # Seen on boards: too little memory for the handshake, and a message without its reason.
    ram = OSError(-17040, "MBEDTLS_ERR_RSA_PUBLIC_FAILED+MBEDTLS_ERR_MPI_ALLOC_FAILED")
    assert "too little memory" in explain(ram)
    refused = OSError(-9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED")
    equal(explain(refused), "the server's certificate was refused")
