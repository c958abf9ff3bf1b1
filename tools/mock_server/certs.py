"""Certificates for tests: an authority of its own, a good leaf, and leaves with one fault."""

import ipaddress
import os
import re
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KINDS = ("good", "self_signed", "wrong_host", "expired", "not_yet_valid", "other_ca")
HOST_NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")
_DAY = timedelta(days=1)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class Authority:
    """A certificate authority in a directory; leaves are made on demand.

    directory: gets ca.pem, ca.der, ca.key and <kind>.pem, <kind>.key. An authority that is
    there already is used again, so that devices which were given it stay valid. names: DNS names
    and IP addresses that leaves are for, besides this computer's own.
    """

    def __init__(self, directory: Path | str, names: Iterable[str] = ()) -> None:
        self._hosts, self._addresses = hosts_and_addresses(names)
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca_pem_path = self.directory / "ca.pem"
        self.ca_der_path = self.directory / "ca.der"
        key_path = self.directory / "ca.key"
        if self.ca_pem_path.exists() and key_path.exists():
            self._certificate = x509.load_pem_x509_certificate(self.ca_pem_path.read_bytes())
            key = serialization.load_pem_private_key(key_path.read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError(f"{key_path} is not an EC key: delete ca.pem and ca.key")
            self._key = key
        else:
            self._key, self._certificate = _make_authority("Plexus mock server test CA")
            _write_key(key_path, self._key)
            self.ca_pem_path.write_bytes(_pem(self._certificate))
        self.ca_der_path.write_bytes(self.ca_der)

    @property
    def ca_der(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.DER)

    def leaf(self, kind: str = "good") -> tuple[Path, Path]:
        """The paths of a new leaf's certificate and key (PEM); kind is one of KINDS."""
        now = datetime.now(UTC)
        names, valid = (self._hosts, self._addresses), (now - _DAY, now + 365 * _DAY)
        issuer_key, issuer = self._key, self._certificate
        key = ec.generate_private_key(ec.SECP256R1())
        if kind == "wrong_host":
            names = (("wrong.example",), ())
        elif kind == "expired":
            valid = (now - 30 * _DAY, now - _DAY)
        elif kind == "not_yet_valid":
            valid = (now + 30 * _DAY, now + 365 * _DAY)
        elif kind == "other_ca":
            issuer_key, issuer = _make_authority("Some other test CA")
        elif kind not in ("good", "self_signed"):
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
        subject = _name("Plexus mock server")
        builder = _builder(subject, key, valid)
        if kind == "self_signed":
            issuer_key, builder = key, builder.issuer_name(subject)
        else:
            builder = builder.issuer_name(issuer.subject)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(_alternative_names(*names), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
            .sign(issuer_key, hashes.SHA256())
        )
        certificate_path = self.directory / f"{kind}.pem"
        key_path = self.directory / f"{kind}.key"
        certificate_path.write_bytes(_pem(certificate))
        _write_key(key_path, key)
        return certificate_path, key_path

    def server_context(self, kind: str = "good") -> ssl.SSLContext:
        """A context for a TLS server that shows the leaf of that kind."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.leaf(kind))
        return context


def hosts_and_addresses(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a certificate is for, each once, with localhost; ValueError for what is neither."""
    hosts: list[str] = [*HOST_NAMES]
    addresses: list[str] = [*ADDRESSES]
    for name in names:
        try:
            addresses.append(str(ipaddress.ip_address(name)))
        except ValueError:
            # What ends in a number is an address that was mistyped: no such domain exists.
            labels = name.split(".")
            is_host = all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdecimal()
            if not is_host or len(name) > 253:
                raise ValueError(
                    f"{name!r} is no name for a certificate: give a DNS name or an IP address, "
                    "such as 192.168.1.20, without port"
                ) from None
            hosts.append(name.lower())
    return tuple(dict.fromkeys(hosts)), tuple(dict.fromkeys(addresses))


def _make_authority(
    common_name: str,
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    name = _name(common_name)
    certificate = (
        # Valid from before the expired leaf, so that only the leaf's dates are at fault.
        _builder(name, key, (now - 365 * _DAY, now + 3650 * _DAY))
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, valid: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_names(
    hosts: tuple[str, ...], addresses: tuple[str, ...]
) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    return x509.SubjectAlternativeName(names)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
