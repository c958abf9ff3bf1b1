"""A user's own root certificates: DER and PEM, one or many, into single DER certificates."""

import binascii

_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"
_PEM_END = b"-----END CERTIFICATE-----"


def certificates(ca):
    """Yield each certificate's DER (bytes)."""
    if isinstance(ca, (list, tuple)):
        for item in ca:
            yield from certificates(item)
        return
    if isinstance(ca, str):
        if "-----BEGIN" not in ca:
            raise ValueError("ca: bytes of certificates are needed, not the name of a file")
        ca = ca.encode()
    try:
        ca = bytes(ca) if not isinstance(ca, int) else None
    except TypeError:
        ca = None
    if ca is None:
        raise ValueError("ca: DER certificates are needed as bytes, or a list of them")
    if b"-----BEGIN" in ca:
        yield from _pem(ca)
    else:
        yield from _der(ca)


def _pem(text):
    end = 0
    while True:
        start = text.find(_PEM_BEGIN, end)
        if start < 0:
            return
        start += len(_PEM_BEGIN)
        end = text.find(_PEM_END, start)
        if end < 0:
            raise ValueError("ca: the PEM text is cut off: END CERTIFICATE is missing")
        try:
            yield binascii.a2b_base64(text[start:end])
        except ValueError:
            raise ValueError("ca: the PEM text is damaged: no valid Base64")


def _der(data):
    start = 0
    while start < len(data):
        # A certificate is a SEQUENCE (0x30); 0x81 to 0x83: so many bytes of length follow (X.690).
        end = start + 2
        length = data[start + 1] if end <= len(data) else 0
        if 0x81 <= length <= 0x83:
            end += length - 0x80
            length = 0
            for byte in data[start + 2 : end]:
                length = length << 8 | byte
        end += length
        if data[start] != 0x30 or length < 64 or end > len(data):
            raise ValueError(
                "ca: no DER certificate at byte {} of {}; "
                "give root certificates in DER or PEM".format(start, len(data))
            )
        yield data[start:end]
        start = end
