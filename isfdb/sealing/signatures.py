"""Ed25519 signatures of seals: who sealed, not only what. Keys are made elsewhere and never lie in a database."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any

from isfdb.errors import MissingDependencyError, OptionError

_ALGORITHM = "Ed25519"


def _message(database_id: str, head: str) -> bytes:
    return f"isfdb seal 1\n{database_id}\n{head}\n".encode()


@dataclass(frozen=True)
class Signature:
    """A signature of a seal.

    Attributes
    ----------
    public_key, value : str
        Hexadecimal digits: 32 bytes and 64.
    """

    public_key: str
    value: str

    @classmethod
    def from_json(cls, record: Any) -> Signature:
        """Read what :meth:`to_json` wrote."""
        if record["algorithm"] != _ALGORITHM:
            raise ValueError(f"a signature by {record['algorithm']}")
        return cls(str(record["public_key"]), str(record["value"]))

    def to_json(self) -> dict[str, str]:
        """Return it as plain values."""
        return {"algorithm": _ALGORITHM, "public_key": self.public_key, "value": self.value}

    def is_valid(self, database_id: str, head: str) -> bool:
        """Say whether it is of this head, by the key that it names.

        Raises
        ------
        MissingDependencyError
            The package cryptography is not installed.
        """
        _require()
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.value), _message(database_id, head))
        except (ValueError, InvalidSignature):
            return False
        return True


class SigningKey:
    """A private key, read from a file that only its owner may read."""

    def __init__(self, key: Any) -> None:
        self._key = key

    @classmethod
    def read(cls, path: str | os.PathLike[str], database: str) -> SigningKey:
        """Read a private key in PEM.

        Raises
        ------
        OptionError
            It is no private Ed25519 key, others may read it, or it lies in the database.
        """
        _require()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = os.path.realpath(path)
        if f"{path}/".startswith(f"{os.path.realpath(database)}/"):
            raise OptionError(f"the key {path} lies in the database, where everybody who reads that finds it. Move it away.")
        data = _read(path)
        if os.name == "posix" and stat.S_IMODE(os.stat(path).st_mode) & 0o077:
            raise OptionError(f"others may read the key {path}. Run chmod 600 {path}, and take a new key if it was shared.")
        try:
            key = load_pem_private_key(data, password=None)
        except (ValueError, TypeError) as error:
            raise OptionError(f"{path} is no private key without password in PEM: {error}. {_HOW}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise OptionError(f"{path} holds another kind of key than Ed25519. {_HOW}")
        return cls(key)

    def sign(self, database_id: str, head: str) -> Signature:
        """Sign the head of a seal of a database."""
        return Signature(_hex(self._key.public_key()), self._key.sign(_message(database_id, head)).hex())


_HOW = "Make one with: openssl genpkey -algorithm ed25519 -out key.pem"


def read_public_key(path: str | os.PathLike[str]) -> str:
    """Return the digits of a public Ed25519 key, from a file in PEM.

    Raises
    ------
    OptionError
        It is none.
    """
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(path))
    except ValueError as error:
        raise OptionError(f"{os.fspath(path)} is no public key in PEM: {error}. Make it with: openssl pkey -in key.pem -pubout") from error
    if not isinstance(key, Ed25519PublicKey):
        raise OptionError(f"{os.fspath(path)} holds another kind of key than Ed25519. {_HOW}")
    return _hex(key)


def _hex(public_key: Any) -> str:
    return str(public_key.public_bytes_raw().hex())


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise OptionError(f"cannot read the key {os.fspath(path)}: {error.strerror}.") from error


def _require() -> None:
    try:
        import cryptography  # noqa: F401 - is it there?
    except ImportError as error:
        raise MissingDependencyError('signatures take the package cryptography: pip install "isfdb[sign]".') from error
