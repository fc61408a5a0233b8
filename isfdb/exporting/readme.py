"""The README of a bundle: what a person needs who finds it in ten years and has never heard of isfdb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from isfdb.display.safe import visible
from isfdb.display.words import size_text, time_text
from isfdb.exporting.archives import Written
from isfdb.exporting.contents import Contents
from isfdb.exporting.subject import Subject
from isfdb.exporting.told import host_of, moment, title_of, user_of

_MOST_KEYS: Final = 2000

_TEXT: Final = """\
{title}
{rule}

This is an export of results that were kept with isfdb, a database for the results of Python
notebooks. You need neither isfdb nor the computer it was made on.

{facts}

TO READ THE DATA
  keys/<key>/load.py      a script for each key: run it with Python and the libraries it names at
                          its top (numpy, pandas ...). It reads the files in database/ and prints
                          the value. A pickle says so at the top: reading one runs code, so do it
                          only if you trust where this came from.
  database/<key>.key/     the files themselves, exactly as they were stored, in common formats
                          (npy, Parquet, Arrow, Zarr, JSON, PNG ...). v000003 is version 3 of a key.
                          Loader.json there says how the files belong together, metadata.json when,
                          by whom, with which code and packages the value was made, and the size and
                          digest (BLAKE3) of each file. A version with a file RECLAIMED is a record
                          without its data. attributes.json has the author's notes.
  In names of folders, %XX stands for a byte of a character that some computers do not allow.

TO SEE HOW IT WAS MADE
  keys/<key>/code.py      the smallest part of what ran that made the value, where that was found
  sessions/*.txt          everything that was executed, in order
  environments/           the packages that were installed, for: pip install -r FILE
  database/.isfdb/code/   the state of the sources (a hidden folder): commits, patches for
                          "git apply", and files that no commit holds
  inputs/                 copies of files that were read, if they were asked for
  prov.json               who made what from what, as W3C PROV-JSON
  ro-crate-metadata.json  the same and all files, as RO-Crate (https://w3id.org/ro/crate/1.1),
                          profile Process Run Crate, with SHA-256 and BLAKE3 of each file

WITH ISFDB
  database/ is a database of its own: isfdb.open("database", mode="r"), isfdb verify database.

Secrets such as passwords and tokens were taken out of code and records when they were recorded.
{left_out}
KEYS
{keys}
"""


def readme(contents: Contents, written: Sequence[Written]) -> str:
    """Return the text of ``README.txt``."""
    subject = contents.subject
    title = f"Results: {visible(subject.name, 80)}"
    return _TEXT.format(
        title=title,
        rule="=" * len(title),
        facts="\n".join(_facts(contents, written)),
        left_out=_left_out(contents, written),
        keys="\n".join(_keys(subject)),
    )


def _facts(contents: Contents, written: Sequence[Written]) -> list[str]:
    subject = contents.subject
    users = sorted({user for version in subject.versions if (user := user_of(version))})
    hosts = sorted({host for version in subject.versions if (host := host_of(version))})
    dates = sorted([made for version in subject.versions if (made := moment(version.record.get("created")))])
    size = sum([one.size for one in written])
    lines = [f"Contents: {len(subject.keys):,} keys, {len(subject.versions):,} versions, {len(written):,} files, {size_text(size)}."]
    lines += [f"Stored by {visible(', '.join(users))}."] if users else []
    lines += [f"Stored on {visible(', '.join(hosts))}."] if hosts else []
    lines += [f"Stored between {time_text(dates[0])} and {time_text(dates[-1])}."] if dates else []
    lines += [] if contents.data else ["The data itself is NOT in this export: it has records and code only."]
    return [*lines, f"Permanent name of the database: isfdb://{subject.db.id}/"]


def _left_out(contents: Contents, written: Sequence[Written]) -> str:
    """Return what is missing or damaged, as a section; nothing where all is there."""
    lines = [visible(one, 1000) for one in [*contents.subject.problems, *contents.left_out, *contents.notes]]
    lines += [f"{visible(one.path, 1000)} is not as it was stored: its digest differs" for one in written if not one.is_as_stored]
    mutable = [version for version in contents.subject.versions if version.record.get("mutable") is True and contents.data]
    lines += [
        f"{visible(one.key)} v{one.number} belongs to its user: its files are as they were on export, not as first stored"
        for one in mutable
    ]
    return "\n".join(["", "TO KNOW: WHAT IS NOT IN HERE, OR NOT AS IT WAS", *[f"  {line}" for line in lines], ""]) if lines else ""


def _keys(subject: Subject) -> list[str]:
    told = [f"  {visible(title_of(version), 150)}" for version in subject.versions[:_MOST_KEYS]]
    more = len(subject.versions) - _MOST_KEYS
    return [*told, f"  ... and {more:,} more: see database/"] if more > 0 else told
