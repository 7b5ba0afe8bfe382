"""Certificates of an endpoint: its own authority, and the client certificate it is shown with mutual TLS."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Problem = tuple[str, str]


@dataclass(frozen=True)
class Trust:
    """Whom a call believes beside the public authorities, and who it says it is. All PEM; blank where not needed."""

    authorities: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Certificate:
    """What a page shows of a certificate."""

    subject: str
    expires_at: datetime


def equip(context: ssl.SSLContext, trust: Trust) -> None:
    """Add the authorities and the client certificate to a context. Raises ssl.SSLError where they are none."""
    if trust.authorities:
        context.load_verify_locations(cadata=trust.authorities)
    if trust.certificate:
        with _pair(trust) as file:
            context.load_cert_chain(file)


@contextmanager
def _pair(trust: Trust) -> Iterator[str]:
    """Certificate and key as the one file OpenSSL insists on: in memory where the system can, else gone at once."""
    text = f"{trust.certificate.strip()}\n{trust.key.strip()}\n".encode()
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client certificate")
        try:
            os.write(descriptor, text)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    descriptor, name = tempfile.mkstemp()  # readable by this account alone
    try:
        os.write(descriptor, text)
        yield name
    finally:
        os.close(descriptor)
        Path(name).unlink()


def certificate_of(pem: str) -> Certificate | None:
    """The first certificate of the text, which is the endpoint's own; None where there is none."""
    try:
        first = x509.load_pem_x509_certificates(pem.encode())[0]
    except (ValueError, IndexError):
        return None
    return Certificate(first.subject.rfc4514_string(), first.not_valid_after_utc)


def problems_of(trust: Trust, now: datetime) -> list[Problem]:
    """Every (field, sentence) that speaks against these certificates, all at once."""
    found = []
    if trust.authorities:
        try:
            authorities = x509.load_pem_x509_certificates(trust.authorities.encode())
        except ValueError:
            authorities = []
        if not authorities:
            found.append(("trusted_ca", "This is no certificate: paste it as PEM, with its BEGIN and END lines."))
        elif all(one.not_valid_after_utc <= now for one in authorities):
            found.append(("trusted_ca", f"The authority expired on {authorities[0].not_valid_after_utc:%Y-%m-%d}."))
    if trust.certificate and not trust.key:
        found.append(("client_key", "A client certificate needs its private key."))
    if trust.key and not trust.certificate:
        found.append(("client_certificate", "A private key needs its client certificate."))
    if trust.certificate:
        found += _faults_of_pair(trust, now)
    return found


def _faults_of_pair(trust: Trust, now: datetime) -> list[Problem]:
    try:
        own = x509.load_pem_x509_certificates(trust.certificate.encode())[0]
    except (ValueError, IndexError):
        return [("client_certificate", "This is no certificate: paste it as PEM, with its BEGIN and END lines.")]
    found = []
    if own.not_valid_after_utc <= now:
        words = f"The certificate expired on {own.not_valid_after_utc:%Y-%m-%d}: ask the target for a new one."
        found.append(("client_certificate", words))
    if own.not_valid_before_utc > now:
        found.append(("client_certificate", f"The certificate is valid from {own.not_valid_before_utc:%Y-%m-%d} on."))
    if not trust.key:
        return found
    try:
        key = serialization.load_pem_private_key(trust.key.encode(), password=None)
    except TypeError:
        return [*found, ("client_key", "The key has a password: give it without one, it is kept sealed.")]
    except ValueError:
        return [*found, ("client_key", "This is no private key: paste it as PEM, with its BEGIN and END lines.")]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != own.public_key().public_bytes(*form):
        found.append(("client_key", "The key does not belong to this certificate."))
    return found
