"""What the TLS library says of a failure, in plain words."""

# A part of the TLS library's message -> what it means to who reads `status`. The first that fits
# counts: a wrong clock comes before what it may bring about.
_MEANINGS = (
    (
        ("starts in the future", "not yet valid"),
        "the server's certificate is not valid yet: is the clock of this device right?",
    ),
    (
        ("validity has expired", "has expired"),
        "the server's certificate has expired, or the clock of this device is ahead",
    ),
    (
        ("match with the expected CN", "certificate is not valid for"),
        "the server's certificate is for another host name than the endpoint's",
    ),
    (
        ("correctly signed by the trusted CA", "self-signed", "self signed", "issuer certificate"),
        "no trusted authority signed the server's certificate: give its root as `ca`",
    ),
    (
        ("CA_CHAIN_REQUIRED",),
        "there is no root certificate to verify the server by: give one as `ca`",
    ),
    (
        ("ALLOC_FAILED",),
        "too little memory for TLS: make the ring smaller, or give a single root as `ca`",
    ),
    (
        ("CERT_VERIFY_FAILED", "CERTIFICATE_VERIFY_FAILED", "ertificate"),
        "the server's certificate was refused",
    ),
    (
        ("FATAL_ALERT", "alert protocol version", "UNSUPPORTED_PROTOCOL", "handshake failure"),
        "the server refused the TLS handshake: does it want TLS 1.3, or is its host name another?",
    ),
    (
        ("MBEDTLS_ERR", "[SSL", "_ssl.c"),
        "the TLS handshake failed: is the endpoint's port one for https?",
    ),
)


def explain(reason):
    """What a failure to connect means, in plain words; None if it does not come from TLS.

    MicroPython raises ValueError for a refused certificate and OSError for the rest, CPython
    subclasses of OSError, `requests` wraps those: what they share is Mbed TLS's or OpenSSL's text.
    """
    text = str(reason)
    for parts, meaning in _MEANINGS:
        for part in parts:
            if part in text:
                return meaning
    return None
