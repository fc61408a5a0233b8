"""Keeps scikit-learn's estimators in ``data.skops``, fitted or not. What skops cannot keep exactly is pickled, with a warning.

skops knows which types are harmless when loaded; an estimator of those loads for everybody. The others (decision trees, whose arrays
could lead compiled code astray, are among them) load only from a version that the reader wrote or trusts.
"""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from typing import Any, Final

from isfdb.errors import DatabaseWarning, PickleWarning, UntrustedDataError
from isfdb.hashing import digest_of, open_hashed
from isfdb.identical import assert_identical
from isfdb.parts import code_may_run, dump_part, load_part

priority: Final = 30
has_parts: Final = True
imports_classes: Final = True
extra: Final = "sklearn"
requires: Final = {"scikit-learn": "1.2", "skops": "0.11"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_sklearn"
about: Final = {
    "types": ("sklearn.base.BaseEstimator",),
    "keeps": "scikit-learn's own estimators and pipelines of them, fitted or not",
    "format": "skops, else pickle",
    "files": "`data.skops`, else `pickled/data.pickle`",
    "exact": True,
    "lazy": "",
    "append": False,
}

_FILE: Final = "data.skops"
_PICKLED: Final = "pickled"
#: Whose types may lie in the file although skops does not call them harmless. Code of the user is better kept by value, in a pickle.
_LIBRARIES: Final = frozenset({"sklearn", "numpy", "scipy"})
_SHOWN_PARAMETERS: Final = 30


def check(obj: Any) -> bool:
    """Say whether `obj` is an estimator of scikit-learn itself; what it holds may be of any kind."""
    base = sys.modules.get("sklearn.base")
    kind = type(obj)
    return base is not None and str(kind.__module__).partition(".")[0] == "sklearn" and issubclass(kind, base.BaseEstimator)


def describe(obj: Any) -> dict[str, Any]:
    """Return the plain parameters, whether it is fitted, and the steps of a pipeline."""
    plain = [(name, value) for name, value in obj.get_params(deep=False).items() if type(value) in (int, str, bool, float)]
    facts: dict[str, Any] = {"type": type(obj).__name__, "fitted": _is_fitted(obj)}
    if type(obj).__name__ == "Pipeline":
        facts["steps"] = [type(step).__name__ for _, step in obj.steps[:20]]
    shown = {name: str(value)[:80] if type(value) in (str, float) else value for name, value in plain[:_SHOWN_PARAMETERS]}
    return {**facts, "parameters": shown}


def _is_fitted(obj: Any) -> bool:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(obj)
    except (NotFittedError, TypeError, AttributeError):
        return False
    return True


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write the estimator as skops; as a pickle where skops would change it.

    Parameters
    ----------
    obj : sklearn.base.BaseEstimator
        Any estimator of scikit-learn.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        It is no estimator of scikit-learn, or holds something that cannot even be pickled.
    """
    if not check(obj):
        raise TypeError(f"sklearn_to_skops keeps estimators of scikit-learn, not {type(obj).__qualname__}; leave the choice to isfdb")
    import sklearn

    arguments: dict[str, Any] = {"sklearn": sklearn.__version__}
    data, untrusted, why_not = _as_skops(obj)
    if data is None:
        _warn(f"this {type(obj).__name__} is stored as a pickle, because {why_not}. It")
        return {**arguments, "pickled": dump_part(obj, os.path.join(savedir, _PICKLED), dumper="to_cloudpickle")}
    import skops

    with open_hashed(os.path.join(savedir, _FILE)) as file:
        file.write(data)
    arguments["skops"] = skops.__version__
    if untrusted:
        _warn(f"this {type(obj).__name__} holds {', '.join(untrusted[:3])}, which skops does not call harmless. It")
        arguments |= {"untrusted": untrusted, "digest": digest_of(data)}
    return arguments


def _warn(message: str) -> None:
    warnings.warn(f"{message} loads only for you and for those who trust the database.", PickleWarning, stacklevel=7)


def _as_skops(obj: Any) -> tuple[bytes | None, list[str], str]:
    """Return the file and the types in it that are not harmless; None and the reason where skops does not keep it exactly."""
    try:
        import skops.io
    except ImportError:
        return None, [], 'skops is not installed (pip install "isfdb[sklearn]")'
    try:
        data = _without_addresses(skops.io.dumps(obj))
        untrusted = [str(name) for name in skops.io.get_untrusted_types(data=data)]
    except Exception as error:  # noqa: BLE001 - skops says in many ways that it does not know a type
        return None, [], f"skops cannot keep it ({type(error).__name__}: {str(error)[:100]})"
    foreign = [name for name in untrusted if name.partition(".")[0] not in _LIBRARIES]
    if foreign:
        return None, [], f"it holds {', '.join(foreign[:3])}, which is none of scikit-learn's own"
    try:
        assert_identical(skops.io.loads(data, trusted=untrusted), obj)
    except Exception as error:  # noqa: BLE001 - the same when it reads; whatever happens, it would not come back
        return None, [], f"skops gives another one back ({str(error)[:100]})"
    return data, untrusted, ""


def _without_addresses(data: bytes) -> bytes:
    """Give numbers to what skops names by its address in memory, so that the same estimator gives the same file."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members.pop("schema.json").decode()
    numbers: dict[str, str] = {}
    schema = re.sub(r'("__id__": )(\d+)', lambda found: found[1] + numbers.setdefault(found[2], str(len(numbers) + 1)), schema)
    in_order = sorted(members, key=lambda name: schema.index(f'"{name}"'))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for place, name in enumerate(in_order):
            numbered = f"{place + 1}{os.path.splitext(name)[1]}"
            schema = schema.replace(f'"{name}"', f'"{numbered}"')
            archive.writestr(zipfile.ZipInfo(numbered), members[name])
        archive.writestr(zipfile.ZipInfo("schema.json"), schema)
    return written.getvalue()


class Loader:
    """Reads an estimator.

    Parameters
    ----------
    sklearn : str
        Version of scikit-learn with which it was stored.
    skops : str, optional
        Version of skops with which it was stored.
    untrusted : list of str
        Types in the file that skops does not call harmless.
    digest : str, optional
        Digest of the file, where there are such types.
    pickled : dict, optional
        Spec of the part that holds it, where it is a pickle.
    """

    def __init__(
        self,
        *,
        sklearn: str,
        skops: str = "",
        untrusted: list[str] | None = None,
        digest: str = "",
        pickled: dict[str, Any] | None = None,
    ) -> None:
        self._sklearn, self._skops, self._untrusted = sklearn, skops, untrusted or []
        self._digest, self._pickled = digest, pickled

    def get(self, savedir: str) -> Any:
        """Return the estimator; warn where it was stored with another scikit-learn.

        Raises
        ------
        ValueError
            The file is damaged, or holds what it did not hold when stored.
        UntrustedDataError
            It holds types that are not harmless, and the version is neither yours nor trusted.
        """
        import sklearn
        from sklearn.exceptions import InconsistentVersionWarning

        if sklearn.__version__ != self._sklearn:
            warnings.warn(
                f"the estimator was stored with scikit-learn {self._sklearn}, and {sklearn.__version__} is installed: it may fail, or "
                f"predict otherwise. To be sure: pip install scikit-learn=={self._sklearn}",
                DatabaseWarning,
                stacklevel=5,
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # one for each of a hundred trees; it was just said
            if self._pickled is not None:
                return load_part(self._pickled, os.path.join(savedir, _PICKLED))
            return self._load(savedir)

    def _load(self, savedir: str) -> Any:
        import zipfile

        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        with open(os.path.join(savedir, _FILE), "rb") as file:
            data = file.read()
        if self._untrusted:
            self._demand_trust(data)
        try:
            return skops.io.loads(data, trusted=self._untrusted)
        except UntrustedTypesFoundException as error:
            raise ValueError(f"{_FILE} holds types that it did not hold when stored ({error}); do not load it") from error
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise ValueError(f"{_FILE} is no whole skops file ({error}); restore it from a copy") from error

    def _demand_trust(self, data: bytes) -> None:
        if not code_may_run():
            raise UntrustedDataError(
                f"the estimator holds {', '.join(self._untrusted[:3])}, which can do harm when loaded, and this version is neither yours "
                "nor in a database you trust. If you know who wrote it, trust the database: isfdb trust PATH"
            )
        if digest_of(data) != self._digest:
            raise ValueError(f"{_FILE} is not what was stored: its digest is another. Restore it from a copy")
