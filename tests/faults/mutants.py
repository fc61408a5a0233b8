"""Checks taken out of the code, one at a time, and the tests that must miss each: of digests, sizes, signatures, trust, order and names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """In `file`, `old` becomes `new`; it stands there once. `tests` are what pytest is given."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _out(name: str, file: str, condition: str, *tests: str, new: str = "False") -> Mutant:
    """Take a condition out: it never holds."""
    return Mutant(name, file, condition, new, tuple(f"tests/{test}" for test in tests))


MUTANTS = (
    # Digests and sizes
    _out(
        "digest of the spec",
        "isfdb/reading.py",
        "files.get(LOADER_FILE) != [len(spec), digest_of(spec)]",
        "unit/test_reading.py",
        "unit/test_hostile.py",
    ),
    _out(
        "digest of a file that fails to load",
        "isfdb/reading.py",
        'list(digest_of_file(f"{savedir}/{name}")) != facts',
        "unit/test_reading.py",
    ),
    _out(
        "sizes before loading",
        "isfdb/reading.py",
        "sizes_differ(savedir, found.files, storage.links_into)",
        "unit/test_reading.py",
        new="None",
    ),
    _out(
        "manifest that was signed",
        "isfdb/reading.py",
        'digest_of_files({**found.files, **found.earlier}) != found.record.get("digest")',
        "unit/test_reading.py",
    ),
    _out("digest of each file", "isfdb/manifest.py", "list(digest_of_file(path)) == facts", "unit/test_verifying.py", new="True"),
    _out(
        "digest of what is copied before code runs",
        "isfdb/manifest.py",
        "[len(data), digest_of(data)] != facts",
        "unit/test_trust.py",
        "unit/test_parts.py",
    ),
    Mutant(
        "seal of a record", "isfdb/manifest.py", "return data.count(found) == 1 and", "return True or", ("tests/unit/test_verifying.py",)
    ),
    _out(
        "digest of the whole",
        "isfdb/verifying.py",
        'digest_of_files({**files, **earlier}) != record.get("digest")',
        "unit/test_reading.py",
    ),
    _out(
        "digest of the readme",
        "isfdb/verifying_identity.py",
        '[len(data), digest_of(data)] != identity.members["readme"]',
        "unit/test_verifying.py",
        "unit/test_opening.py",
    ),
    _out(
        "digest of shared records",
        "isfdb/verifying_shared.py",
        "digest_of(compact(record).encode())[:32] == stem and",
        "unit/test_verifying.py",
        new="",
    ),
    _out(
        "chain of a session",
        "isfdb/provenance/session.py",
        'line.get("previous") != (digests[-1] if digests else None)',
        "unit/provenance/test_session.py",
    ),
    _out(
        "end of the log before",
        "isfdb/verifying_logs.py",
        'self._digest_of_line(session, after["lines"] - 1) != after.get("digest")',
        "unit/test_verifying_logs.py",
    ),
    _out("logs under a seal", "isfdb/sealing/against.py", "last != (n_lines, digest)", "unit/test_sealing.py"),
    _out(
        "digest of a piece of a store",
        "loaderdumpers/_store.py",
        "blake3(piece).hexdigest() != block.digest",
        "unit/loaderdumpers/test_shared_numpy_store.py",
        "unit/test_verifying.py",
    ),
    _out("digest of what is exported", "isfdb/exporting/stored_files.py", "digest.hexdigest() != facts[1]", "cli/test_get.py"),
    _out("check of an appended block", "isfdb/journals.py", "crc32(block) == check", "unit/test_appender.py", new="True"),
    # Trust
    _out(
        "signature of a value",
        "isfdb/reading.py",
        "if not is_signed_by_me(signed, signature)",
        "unit/test_reading.py",
        new="if False",
    ),
    Mutant(
        "signature itself",
        "isfdb/trust.py",
        "return hmac.compare_digest(_hmac(key",
        "return True or hmac.compare_digest(_hmac(key",
        ("tests/unit/test_trust.py",),
    ),
    _out(
        "place of a trusted database",
        "isfdb/trust.py",
        "return (database_id, real) in _read_list()",
        "unit/test_trust.py",
        new="return database_id in [name for name, _ in _read_list()]",
    ),
    _out(
        "folder that anybody may write",
        "isfdb/trust.py",
        "in _read_list() and writable_by_anybody(real, within) is None",
        "unit/test_trust.py",
        new="in _read_list()",
    ),
    _out("key that others may read", "isfdb/trust.py", "found.st_mode & forbidden", "unit/test_trust.py"),
    _out("owner of the key", "isfdb/trust.py", "found.st_uid != os.geteuid()", "unit/test_trust.py"),
    _out(
        "parts that run code",
        "isfdb/parts.py",
        'getattr(module, "runs_code", False) and not code_may_run()',
        "unit/test_parts.py",
        "unit/test_hostile.py",
    ),
    _out(
        "copies of strangers' pickles",
        "isfdb/moving.py",
        'is_signed_by_me(payload(str(record.get("digest")), str(found.record.get("nonce"))), found.record.get("signature"))',
        "unit/test_reading.py",
        new="True",
    ),
    _out(
        "scripts of strangers",
        "isfdb/explaining/consent.py",
        "if is_trusted or is_mine(version, found)",
        "jupyter/test_code_of_a_value.py",
        "cli/test_code.py",
        new="if True",
    ),
    _out(
        "verdicts of strangers",
        "isfdb/replaying/replay_records.py",
        'is_signed_by_me(replay_payload(*_names(record, entry["verdict"])), entry.get("signature"))',
        "unit/replaying/test_replay_records.py",
        new="True",
    ),
    Mutant(
        "token of a page",
        "isfdb/serving/gate.py",
        "return hmac.compare_digest(",
        "return True or hmac.compare_digest(",
        ("tests/unit/serving/test_who_may_look.py",),
    ),
    # Order and names
    Mutant(
        "nonce of another writer",
        "isfdb/storage/local.py",
        'return f\'"nonce": "{stage.nonce}"\'.encode() in',
        "return b'' in",
        ("tests/faults/test_errors_from_below.py", "tests/faults/test_many_writers.py"),
    ),
    Mutant(
        "nonce after a lost reply",
        "isfdb/storage/local.py",
        'return f\'"nonce": "{stage.nonce}"\'.encode() in',
        "return b'\\0' in",
        ("tests/faults/test_lost_replies.py",),
    ),
    _out("versions of one key in a batch", "isfdb/publishing.py", "durable and key_folder in renamed", "faults/test_crash_states.py"),
    _out(
        "hint before a tombstone",
        "isfdb/publishing.py",
        "        _lay_hints(storage, waiting)\n",
        "faults/test_crash_states.py",
        new="",
    ),
    _out(
        "what others rely on in FUSE",
        "isfdb/storage/flushing.py",
        "_kind_of_file_system(c_library, descriptor) not in _FLUSHED_AS_A_WHOLE.values()",
        "faults/test_power_loss.py",
    ),
    _out(
        "chain of versions",
        "isfdb/publishing.py",
        'pending.record["previous"] = before.record.get("record") if before else None',
        "unit/test_verifying.py",
        new='pending.record["previous"] = None',
    ),
)
