"""Verbs that check: verify, replay, audit, seal."""

from __future__ import annotations

from typing import Any, Final

from isfdb.jupyter.here import Here
from isfdb.jupyter.lines import number_of
from isfdb.jupyter.verbs.verb import Verb
from isfdb.replaying.arguments import replay_options

_REPLAY: Final = (
    "level all environment rtol atol changed_inputs offline trust timeout_s memory_bytes budget again".split()
)  # as isfdb.replaying.arguments adds them


def _verify(arguments: Any, here: Here) -> Any:
    from isfdb.verifying import verify

    db, key = here.database_or_key(arguments.words)
    return verify(db, key=key, against=arguments.against, public_key=arguments.public_key)


def _replay(arguments: Any, here: Here) -> Any:
    from isfdb.replaying.replays import replay

    db, key = here.key(arguments.words, "note")
    return replay(db, key, version=number_of(arguments.number), progress=True, **replay_options(arguments))


def _audit(arguments: Any, here: Here) -> Any:
    from isfdb.auditing.audits import audit

    db, key = here.database_or_key(arguments.words, "note")
    names = ("changed_since", "sample", "seed", "all_versions", "jobs")
    options = {name: getattr(arguments, name) for name in names} | replay_options(arguments)
    steps: dict[str, Any] = {"verify": not arguments.no_verify, "replay": not arguments.no_replay, "resume": not arguments.from_start}
    only = [*(arguments.only or ()), *([key] if key is not None else [])]
    return audit(db, only=only, max_time_s=arguments.max_time, progress=True, **options, **steps)


def _seal(arguments: Any, here: Here) -> Any:
    from isfdb.sealing.seals import seal

    return seal(here.one_database(arguments.words, "r+"), sign=arguments.sign)


VERBS: Final = (
    Verb(
        "verify",
        "check that every file is there and is what was stored",
        "[DB] [KEY]",
        _verify,
        "isfdb.findings.Findings; empty where all is sound",
        "verify\nverify rates\nverify --against HEAD",
        ("against", "public_key"),
    ),
    Verb(
        "replay",
        "make a value again in a clean process, and say what came of it and why",
        "[DB] KEY",
        _replay,
        "an isfdb.replaying.verdict.Verdict",
        "replay rates\nreplay rates --environment recorded\nreplay rates --again --rtol 1e-9",
        ("number", *_REPLAY),
    ),
    Verb(
        "audit",
        "verify a database, make its values again, and count what came out the same",
        "[DB] [KEY]",
        _audit,
        "an isfdb.auditing.audited.Audit",
        'audit\naudit --no-replay\naudit --only cells/* --sample 0.1\naudit --max-time 10m --changed-since "last audit"',
        (
            *("only", "changed_since", "sample", "seed", "all_versions", "no_verify", "no_replay"),
            *_REPLAY,
            *("jobs", "max_time", "from_start"),
        ),
    ),
    Verb(
        "seal",
        "seal a database: one digest over everything, for a lab book",
        "[DB]",
        _seal,
        "an isfdb.sealing.seals.Seal, with its head",
        "seal\nseal results --sign my_key.pem",
        ("sign",),
    ),
)
