"""``isfdb.report``: writes the page about a database to a file. What is on the page is `page.py`'s part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from isfdb.errors import OptionError
from isfdb.options import set_options
from isfdb.reporting.page import report_page
from isfdb.storage.single_files import replace_file

if TYPE_CHECKING:
    from isfdb.auditing.audited import Audit
    from isfdb.database import Database


def report(db: Database, path: str | os.PathLike[str] = "audit.html", *, audit: Audit | None = None, verify: bool = True) -> str:
    """Write one HTML page about a database: what is in it, how it was made, and whether it can be made again.

    The page needs no network and holds no script. Nothing is run: it tells what an audit found, or what replays left on record.

    Parameters
    ----------
    db : Database
        Read only. Values of formats that cannot run code are loaded for their previews, up to 64 MB each.
    path : str or path
        Where the page goes; a file of that name is replaced once the new page is complete.
    audit : Audit, optional
        What :func:`isfdb.audit` returned; default: the verdicts that the database has on record.
    verify : bool
        Where there is no audit: check every file against its digest, and say on the page what was found.

    Returns
    -------
    str
        The absolute path of the page.

    Raises
    ------
    OptionError
        `db` is no database, or the audit is of another one.
    FileNotFoundError
        There is no folder for the page.

    Examples
    --------
    >>> import isfdb, os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> db = isfdb.open(os.path.join(folder, "results"))
    >>> db["answer"] = 42
    >>> os.path.basename(isfdb.report(db, os.path.join(folder, "audit.html")))
    'audit.html'
    """
    _check(db)
    target = os.path.abspath(path)
    if not os.path.isdir(os.path.dirname(target)):  # said before minutes of checking
        raise FileNotFoundError(f"cannot write {target}: there is no folder {os.path.dirname(target)}; make it or choose another")
    with set_options(capture=False):  # what the page shows was not used by the cell that asks for the page
        page = report_page(db, audit=audit, verify=verify)
    replace_file(target, page.encode())  # an older page is not lost to a power cut either
    return target


def _check(db: Any) -> None:
    from isfdb.database import Database

    if not isinstance(db, Database):
        raise OptionError(f"report takes an open database, not {db!r}: isfdb.report(isfdb.open(path, mode='r')).", database=db)
