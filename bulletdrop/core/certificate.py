"""The server's own https: where its certificate and key lie, the one that it makes for itself, and its fingerprint."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bulletdrop import trust
from bulletdrop.config import Config
from bulletdrop.core.origin import lan_address
from bulletdrop.errors import BadConfig
from bulletdrop.log import get_logger
from bulletdrop.paths import make_private_folder, write_private

log = get_logger("tls")

# Long, because nobody renews it: who knows it knows it by its fingerprint, and a new one means to pair again.
LIVES = timedelta(days=3652)
# A clock that is behind must not find it too young.
_BEFORE = timedelta(days=1)


def files(config: Config) -> tuple[Path, Path] | None:
    """Certificate and key, as PEM; None where this server speaks http. Raises BadConfig where one is not named."""
    if config.tls == "off":
        return None
    if config.tls == "own":
        return config.data / "tls" / "certificate.pem", config.data / "tls" / "key.pem"
    if config.tls_certificate is None or config.tls_key is None:
        raise BadConfig("tls = file needs tls_certificate and tls_key.", field="tls")
    return config.tls_certificate, config.tls_key


def prepare(config: Config) -> None:
    """Make the own certificate where there is none yet. Raises BadConfig where the folder cannot be written."""
    named = files(config)
    if named is None or config.tls != "own" or (named[0].exists() and named[1].exists()):
        return
    certificate, key = _make(names_of(config), addresses_of(config))
    try:
        make_private_folder(named[0].parent)
        # The certificate last: one without its key would be of no use, and is what tells that both are there.
        write_private(named[1], key)
        write_private(named[0], certificate)
    except OSError as error:
        raise BadConfig(f"{named[0].parent} cannot be written: {error.strerror}.", field="tls") from error


class Served:
    """The server's side of https: settings that are read anew when their files change, as when one was renewed.

    Raises: BadConfig where the files cannot be read or do not belong together.
    """

    def __init__(self, config: Config) -> None:
        named = files(config)
        assert named is not None
        self._files = named
        self._seen = self._stamps()
        self.context = _context(named)

    def refresh(self) -> bool:
        """Look whether the files are others by now. New connections get the new certificate; one that is no good is
        logged, and the old one stays.

        Returns: whether it is another one now.
        """
        now = self._stamps()
        if now == self._seen or not all(now):
            return False
        self._seen = now
        try:
            # In settings of its own first: a certificate without its key would spoil those that are in use.
            _context(self._files)
            self.context.load_cert_chain(*self._files)
        except (BadConfig, OSError) as error:
            log.error("the new certificate cannot be used, the old one stays: %s", error)
            return False
        log.info("the certificate was read anew", extra={"path": str(self._files[0])})
        return True

    def _stamps(self) -> tuple[int, ...]:
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in self._files)


def _context(named: tuple[Path, Path]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client could make us work at will with it, and HTTP has no use for it.
    made.options |= ssl.OP_NO_RENEGOTIATION
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(*named)
    except FileNotFoundError as error:
        raise BadConfig(f"There is no certificate or no key: {named[0]}, {named[1]}.", field="tls") from error
    except ssl.SSLError as error:
        raise BadConfig(f"{named[0]} and {named[1]} are no certificate and its key.", field="tls") from error
    except OSError as error:
        raise BadConfig(f"The certificate {named[0]} cannot be read: {error.strerror}.", field="tls") from error
    return made


def fingerprint(config: Config) -> str:
    """SHA-256 of the certificate that clients see, in hex; "" where there is none."""
    named = files(config)
    if named is None:
        return ""
    try:
        text = named[0].read_text(encoding="ascii")
        # A file may hold those that vouch for it too: the first is the server's (RFC 8446, 4.4.2).
        end = "-----END CERTIFICATE-----"
        return trust.fingerprint(ssl.PEM_cert_to_DER_cert(text[: text.index(end) + len(end)].strip() + "\n"))
    except (OSError, ValueError):
        return ""


def ends_at(config: Config) -> datetime:
    """When the certificate that clients see ends. Raises OSError and ValueError where there is none."""
    from cryptography import x509

    named = files(config)
    assert named is not None
    return x509.load_pem_x509_certificates(named[0].read_bytes())[0].not_valid_after_utc


def names_of(config: Config) -> list[str]:
    """The names that this machine may be called by in its network."""
    machine = socket.gethostname().lower().rstrip(".") or "localhost"
    short = machine.partition(".")[0]
    names = ["localhost", machine, f"{short}.local", *config.hosts]
    return list(dict.fromkeys(name.lower() for name in names if _is_name(name)))


def addresses_of(config: Config) -> list[str]:
    """The addresses that it may be called by."""
    given = [config.host] if config.host not in ("", "0.0.0.0", "::") else [lan_address()]
    return list(dict.fromkeys(("127.0.0.1", "::1", *given)))


def _is_name(name: str) -> bool:
    # RFC 5280 leaves 64 characters for a common name, and 253 for a name in DNS; only ASCII goes into a certificate.
    return bool(name) and name.isascii() and len(name) <= 253 and " " not in name


def _make(names: list[str], addresses: list[str]) -> tuple[str, str]:
    """A certificate that vouches for itself, and its key. Here, because the library costs 8 MB that few starts need."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"BulletDrop on {names[-1]}"[:64])])
    others: list[x509.GeneralName] = [x509.DNSName(one) for one in names]
    for address in addresses:
        try:
            others.append(x509.IPAddress(ipaddress.ip_address(address.partition("%")[0])))
        except ValueError:
            others.append(x509.DNSName(address))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + LIVES)
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()
