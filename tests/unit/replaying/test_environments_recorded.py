"""Recorded packages are installed again: from wheels in a folder, by pip and, where it is installed, by uv. Without network."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.exact_json import compact
from isfdb.explaining.clean_process import Finished, Task, run
from isfdb.hashing import digest_of
from isfdb.replaying import installing
from isfdb.replaying.environments import ReplayEnvironment, environment_for
from isfdb.replaying.interpreters import find_uv, this_interpreter
from isfdb.replaying.own_packages import own_folder
from isfdb.replaying.package_indexes import indexes_for_uv
from isfdb.replaying.wanted_packages import wanted_packages


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str | bytes], tag: str = "py3-none-any") -> Path:
    path = folder / f"{name}-{version}-{tag}.whl"
    about = f"{name}-{version}.dist-info"
    tags = "".join([f"Tag: {tag}\n"])
    files = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{tags}",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in files.items():
            wheel.writestr(member, content)
        wheel.writestr(f"{about}/RECORD", "".join([f"{member},,\n" for member in (*files, f"{about}/RECORD")]))
    return path


def write_wheel_of_installed(folder: Path, name: str) -> str:
    """Pack again what is installed here, so that no index is needed; return its version."""
    found = importlib.metadata.distribution(name)
    tag = next(line.partition(": ")[2] for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: "))
    members = [one for one in found.files or () if ".dist-info" not in str(one) and not str(one).startswith("..") and one.suffix != ".pyc"]
    write_wheel(folder, name, found.version, {str(one): Path(str(one.locate())).read_bytes() for one in members}, tag)
    return found.version


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        command = "[console_scripts]\ntinycommand = tinything:main\n"
        code = f"VERSION = {version!r}\n\ndef main():\n    import sys\n    print(VERSION, sys.prefix)\n"
        write_wheel(folder, "tinything", version, {"tinything.py": code, f"tinything-{version}.dist-info/entry_points.txt": command})
    for name in ("blake3", "platformdirs"):
        write_wheel_of_installed(folder, name)
    return folder


@pytest.fixture(params=["pip", "uv"])
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "uv" and find_uv() is None:
        pytest.skip("uv is not installed")
    if request.param == "pip":
        monkeypatch.setattr(installing, "find_uv", lambda: None)
    return str(request.param)


@pytest.fixture(autouse=True)
def _only_these_wheels(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with isfdb.set_options(cache_folder=tmp_path / "cache", register=False):
        yield


def record_of(packages: dict[str, str], **more: Any) -> dict[str, Any]:
    here = this_interpreter()
    return {"python": here.version, "implementation": here.implementation, "kind": "venv", "packages": packages, **more}


def environment(folder: Path, recorded: Any, imported: tuple[str, ...] = ("tinything",), **more: Any) -> ReplayEnvironment:
    db = isfdb.open(folder / "db")
    digest, snapshot = records(folder, recorded, imported)
    return environment_for("recorded", db._storage, digest, {"code": {"snapshot": snapshot}}, **more)


def records(folder: Path, recorded: Any, imported: tuple[str, ...] = ("tinything",)) -> list[str]:
    """Write the records of a session's packages; return their digests."""
    digests = []
    for name, content in (("environments", recorded), ("code", {"imported": dict.fromkeys(imported, "")})):
        digests.append(digest_of(compact(content).encode())[:32])
        path = folder / "db" / ".isfdb" / name / f"{digests[-1]}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return digests


def run_in(found: ReplayEnvironment, folder: Path, script: str) -> Finished:
    (folder / "work").mkdir(parents=True)
    return run(Task(script, str(folder), str(folder / "work"), python=found.python, path=found.path, environment=found.variables))


def built(folder: Path) -> list[str]:
    """Return the names of the environments in the cache, whole or not."""
    names = os.listdir(folder / "cache" / "environments")
    return [name for name in names if not name.startswith("isfdb-") and not name.endswith(".lock")]


def test_a_script_runs_with_the_recorded_version(tmp_path: Path, tool: str) -> None:
    for version in ("1.0", "2.0"):
        found = environment(tmp_path, record_of({"tinything": version, "isfdb": "0.0.1"}))
        assert (found.problems, found.differences) == ((), ())
        finished = run_in(found, tmp_path / version, "import tinything\nvalue = tinything.VERSION")
        assert finished.outcome == "done", finished
        assert isfdb.open(finished.answer, "r")["value"] == version


def test_nothing_that_is_installed_here_gets_into_a_recorded_environment(tmp_path: Path) -> None:
    found = environment(tmp_path, record_of({"tinything": "1.0"}))
    script = """
import importlib.metadata, importlib.util, isfdb.plugins
value = [
    sorted(str(one.name).lower() for one in importlib.metadata.distributions()),
    [name for name in ("numpy", "pytest", "pip", "setuptools", "dask", "tests") if importlib.util.find_spec(name)],
    len(isfdb.plugins.names()) > 50,
]
"""
    finished = run_in(found, tmp_path / "run", script)
    assert finished.outcome == "done", finished
    assert isfdb.open(finished.answer, "r")["value"] == [["blake3", "isfdb", "platformdirs", "tinything"], [], True]


def test_commands_of_a_recorded_environment_are_found_and_work(tmp_path: Path, tool: str) -> None:
    found = environment(tmp_path, record_of({"tinything": "1.0"}))
    told = subprocess.run(["tinycommand"], env={**os.environ, **found.variables}, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1.0", os.path.dirname(os.path.dirname(found.python))]


def test_an_environment_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = environment(tmp_path, record_of({"tinything": "1.0"}))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    assert environment(tmp_path, record_of({"tinything": "1.0"})) == first
    assert len(built(tmp_path)) == 1


def test_other_packages_are_another_environment(tmp_path: Path) -> None:
    one, other = (environment(tmp_path, record_of({"tinything": version})).python for version in ("1.0", "2.0"))
    assert one != other


def test_all_packages_that_can_no_longer_be_had_are_named(tmp_path: Path, tool: str) -> None:
    packages = {"tinything": "3.0", "gone-one": "1.0", "gone-two": "2.0", "platformdirs": "0.0.1"}
    found = environment(tmp_path, record_of(packages), ("tinything", "gone-one", "gone-two"))
    ((obstacle, sentence),) = found.problems
    assert obstacle == "environment missing"
    for text in ("tinything 3.0", "gone-one 1.0", "gone-two 2.0", "platformdirs 0.0.1", "environment_source_builds"):
        assert text in sentence
    assert built(tmp_path) == []


def test_a_package_that_the_session_never_imported_may_be_missing(tmp_path: Path, tool: str) -> None:
    found = environment(tmp_path, record_of({"tinything": "1.0", "gone": "1.0"}))
    assert found.problems == ()
    assert "not installed, and the session had not imported it: gone 1.0" in found.notes[0]
    assert [(one.package, one.here, one.imported) for one in found.differences] == [("gone", "", False)]
    assert environment(tmp_path, record_of({"tinything": "1.0", "gone": "1.0"}), ("gone",)).problems  # for another session it matters


def test_instead_of_a_special_build_the_public_release_is_installed_and_named(tmp_path: Path, tool: str) -> None:
    found = environment(tmp_path, record_of({"tinything": "1.0+cu121"}))
    assert found.notes == ("instead of tinything==1.0+cu121 its public release tinything==1.0 was installed",)
    assert [str(one) for one in found.differences] == ["tinything was 1.0+cu121 and is 1.0 here"]


def test_sources_are_not_built_unless_it_is_allowed(tmp_path: Path, wheels: Path, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tarfile

    (tmp_path / "links" / "evil-1.0").mkdir(parents=True)
    (tmp_path / "links" / "evil-1.0" / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "links" / "evil-1.0" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    with tarfile.open(tmp_path / "links" / "evil-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "links" / "evil-1.0", "evil-1.0")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{wheels} {tmp_path / 'links'}")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    found = environment(tmp_path, record_of({"evil": "1.0"}), ("evil",))
    assert "evil 1.0" in found.problems[0][1]
    assert not (tmp_path / "ran").exists()


def test_building_runs_no_code_of_a_package(tmp_path: Path, wheels: Path, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python runs lines of .pth files whenever it starts; it must not start among the packages outside the walls of a replay."""
    (tmp_path / "links").mkdir()
    write_wheel(tmp_path / "links", "evil", "1.0", {"evil.pth": f"import os; os.mkdir({str(tmp_path / 'ran')!r})\n", "evil.py": ""})
    monkeypatch.setenv("PIP_FIND_LINKS", f"{wheels} {tmp_path / 'links'}")
    sources = {"tinything": {"folder": "tinything"}}  # installed after the other, in a second step
    found = environment(tmp_path, record_of({"evil": "1.0", "tinything": "1.0"}, sources=sources), ("evil", "tinything"))
    assert found.problems == () and found.differences == ()
    assert os.listdir(Path(found.path[-1]) / "__pycache__")  # it was compiled as well
    assert not (tmp_path / "ran").exists()
    finished = run_in(found, tmp_path / "run", "import sys\nvalue = sys.prefix")
    assert finished.outcome == "done", finished
    assert isfdb.open(finished.answer, "r")["value"] == os.path.dirname(os.path.dirname(found.python))
    if finished.wall != "audit hook":
        assert not (tmp_path / "ran").exists()  # it was tried behind the wall
        assert str(tmp_path / "ran") in finished.output


def test_a_local_wheel_is_taken_only_with_its_digest(tmp_path: Path, wheels: Path, tool: str) -> None:
    digest = hashlib.sha256((wheels / "tinything-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    source = {"folder": "tinything-1.0-py3-none-any.whl", "archive_hash": f"sha256={digest}"}
    found = environment(tmp_path, record_of({"tinything": "1.0"}, sources={"tinything": source}))
    assert found.problems == () and found.differences == ()
    source["archive_hash"] = f"sha256={'0' * 64}"
    found = environment(tmp_path, record_of({"tinything": "1.0"}, sources={"tinything": source}))
    assert "tinything 1.0 (it was installed from a local folder or file" in found.problems[0][1]


def test_another_version_of_python_that_is_not_here_is_a_problem_that_says_so(tmp_path: Path) -> None:
    found = environment(tmp_path, record_of({"tinything": "1.0"}) | {"python": "3.99.1"})
    assert found.problems[0][0] == "environment missing"
    assert "the session ran in cpython 3.99.1, and there is no cpython 3.99 that isfdb runs in on this computer" in found.problems[0][1]


def test_without_an_index_that_can_be_reached_it_says_so_and_names_no_host(tmp_path: Path, tool: str, monkeypatch: Any) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    found = environment(tmp_path, record_of({"gone": "1.0"}), ("gone",))
    assert found.problems == (("environment missing", "the recorded environment cannot be built: a package index cannot be reached"),)


def test_offline_no_index_is_asked(tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert environment(tmp_path, record_of({"tinything": "1.0"}), offline=True).problems == ()


# Others at the same time, and killed ones -------------------------------------------------------------------------------------------

_BUILD = """
import sys
from isfdb.storage.local import LocalStorage
from isfdb.replaying.environments import environment_for
import isfdb
db = isfdb.open(sys.argv[1], "r")
print("begin", flush=True)
print(environment_for("recorded", db._storage, sys.argv[2], {"code": {"snapshot": sys.argv[3]}}).python, flush=True)
"""


def builder(folder: Path) -> subprocess.Popen[str]:
    variables = {"ISFDB_CACHE_FOLDER": str(folder / "cache"), "ISFDB_REGISTER": "false", "ISFDB_CAPTURE": "false"}
    command = [sys.executable, "-c", _BUILD, str(folder / "db"), *records(folder, record_of({"tinything": "1.0"}))]
    return subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True, start_new_session=True)


def prepare(folder: Path) -> None:
    isfdb.open(folder / "db")
    (folder / "cache").mkdir()


def test_two_processes_that_want_the_same_environment_get_the_same_whole_one(tmp_path: Path) -> None:
    prepare(tmp_path)
    processes = [builder(tmp_path) for _ in range(2)]
    told = {process.communicate()[0].split()[-1] for process in processes}
    assert len(told) == 1 and len(built(tmp_path)) == 1
    code = "import tinything, blake3, platformdirs; print(tinything.VERSION)"
    assert subprocess.run([told.pop(), "-c", code], capture_output=True, text=True).stdout == "1.0\n"


@pytest.mark.parametrize("after_s", [0.02, 0.2, 0.6, 1.0])
def test_a_killed_builder_leaves_nothing_that_looks_whole(tmp_path: Path, after_s: float) -> None:
    prepare(tmp_path)
    process = builder(tmp_path)
    assert process.stdout is not None and process.stdout.readline() == "begin\n"
    time.sleep(after_s)  # anywhere in the building
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    found = environment(tmp_path, record_of({"tinything": "1.0"}))
    assert found.problems == ()
    assert run_in(found, tmp_path / "run", "import tinything\nvalue = tinything.VERSION").outcome == "done"
    assert len(built(tmp_path)) == 1


def test_environments_that_nobody_used_for_long_are_removed(tmp_path: Path) -> None:
    old = environment(tmp_path, record_of({"tinything": "1.0"})).python
    marker = Path(old).parents[2] / "environment.json"
    os.utime(marker, (time.time() - 40 * 86400,) * 2)
    environment(tmp_path, record_of({"tinything": "2.0"}))
    assert not os.path.exists(old) and len(built(tmp_path)) == 1


def test_an_environment_whose_interpreter_is_gone_is_built_again(tmp_path: Path) -> None:
    python = environment(tmp_path, record_of({"tinything": "1.0"})).python
    os.unlink(python)
    assert environment(tmp_path, record_of({"tinything": "1.0"})).python == python
    assert os.access(python, os.X_OK)


# Forged records --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("--index-url=https://evil.example", "1.0"),
        ("-r/etc/passwd", "1.0"),
        ("a b", "1"),
        ("a\n--index-url x", "1"),
        ("a", "1.0 --hash=sha256:0"),
        ("a", "1.0\n-r x"),
        ("a", "1.0; os_name"),
        ("a", "*"),
        ("a", "unknown"),
        ("a", "../x"),
        ("ä", "1"),
        ("a @ https://evil.example/a.whl", "1"),
    ],
)
def test_what_is_no_name_and_no_version_gets_to_no_command(name: str, version: str) -> None:
    found = wanted_packages(record_of({name: version}), trusted=True, source_builds=True)
    assert (found.pins, found.local, found.addresses) == ((), (), ()) and len(found.unavailable) == 1


@pytest.mark.parametrize(
    "version", ["1", "1.0.post1", "2026.10.18", "1!2.0rc1", "0.2026.11.2.0.34.55", "2.1.0+cu121", "1.7.5.1.post1.dev3", "0.8.1a2"]
)
def test_real_versions_are_versions(version: str) -> None:
    assert wanted_packages(record_of({"a": version}), trusted=False, source_builds=False).pins == (f"a=={version}",)


def test_addresses_are_followed_only_where_the_database_is_trusted() -> None:
    wheel = {"url": "https://example.org/a-1.0-py3-none-any.whl", "archive_hash": f"sha256={'0' * 64}"}
    commit = {"url": "https://example.org/b.git", "vcs": "git", "commit_id": "a" * 40}
    record = record_of({"a": "1.0", "b": "1.0"}, sources={"a": wheel, "b": commit})
    assert wanted_packages(record, trusted=False, source_builds=True).addresses == ()
    assert wanted_packages(record, trusted=True, source_builds=False).addresses == (f"a @ {wheel['url']}#sha256={'0' * 64}",)
    assert wanted_packages(record, trusted=True, source_builds=True).addresses[1] == f"b @ git+https://example.org/b.git@{'a' * 40}"


@pytest.mark.parametrize(
    "source",
    [
        {"url": "file:///etc/passwd.whl"},
        {"url": "http://example.org/a.whl"},
        {"url": "https://example.org/a.whl --index-url=x"},
        {"url": "https://user@example.org/a.whl"},
        {"url": "https://example.org/a.git", "vcs": "git", "commit_id": "--upload-pack=x"},
        {"url": "https://example.org/a.git", "vcs": "hg", "commit_id": "a" * 40},
        {"url": "https://example.org/a.whl#egg=b"},
    ],
)
def test_odd_addresses_are_never_followed(source: dict[str, str]) -> None:
    found = wanted_packages(record_of({"a": "1.0"}, sources={"a": source}), trusted=True, source_builds=True)
    assert found.addresses == () and len(found.unavailable) == 1


def test_what_was_installed_for_editing_and_by_conda_is_named() -> None:
    record = record_of(
        {"mine": "0.1", "numpy": "2.0"},
        sources={"mine": {"editable": True, "folder": "mine"}},
        conda={"numpy": "2.0=x", "libblas": "3=y", "python": "3.11=z"},
    )
    found = wanted_packages(record, trusted=False, source_builds=False)
    assert found.pins == ("numpy==2.0",) and found.unavailable == ()
    assert found.notes == (
        "mine was installed for editing: its code comes from the recorded sources, not from a package",
        "1 package of conda cannot be built here: libblas",
    )


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not fetch https://me:secret@packages.lab.example/simple/a: 500",
        "ERROR: HTTPSConnectionPool(host='packages.lab.example', port=443): odd",
        "error: request to packages.lab.example:8080 failed",
        "error: request to 10.1.2.3:8080 failed",
    ],
)
def test_what_is_told_of_a_failure_names_no_host_and_no_secret(said: str) -> None:
    told = installing.reason(said)
    assert told and not any(word in told for word in ("lab.example", "secret", "10.1.2.3"))


# What pip is set to, for uv -----------------------------------------------------------------------------------------------------------

PIP = (sys.executable, "-I", "-m", "pip")


def test_uv_is_told_where_pip_looks_for_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    (tmp_path / "here").mkdir()
    config = (
        f"[global]\nindex-url = https://lab.example/simple\nextra-index-url =\n    file://{tmp_path}/here\n    file://{tmp_path}/gone\n"
    )
    (tmp_path / "pip.conf").write_text(f"{config}proxy = http://proxy.example:3128\n[install]\ntrusted-host = lab.example\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/one /two")
    for name in ("ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    options, variables = indexes_for_uv(PIP)
    variables.pop("SSL_CERT_FILE", None)  # of the whole computer's settings
    assert options == () and variables == {
        "UV_DEFAULT_INDEX": "https://lab.example/simple",
        "UV_INDEX": f"file://{tmp_path}/here",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/one,/two",
        "UV_INSECURE_HOST": "lab.example",
        "ALL_PROXY": "http://proxy.example:3128",
    }


def test_where_pip_asks_no_index_uv_asks_none_either(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # whoever asks there is told that it cannot be reached
    found = environment(tmp_path, record_of({"gone": "1.0"}), ("gone",))
    assert "gone 1.0 (no index has a wheel of it" in found.problems[0][1]


def test_settings_of_uv_count_before_those_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://lab.example/simple")
    assert indexes_for_uv(PIP) == ((), {})


# The whole way -----------------------------------------------------------------------------------------------------------------------


def install(environment: Path, *wheels: Path) -> None:
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(site_of(environment))


def site_of(environment: Path) -> Path:
    (site,) = (environment / "lib").glob("python*/site-packages")
    return site


def test_a_value_is_made_again_with_the_version_of_a_package_that_made_it(tmp_path: Path, wheels: Path, tool: str) -> None:
    """A package is replaced by a newer release, which gives another value. The recorded environment is not built unasked."""
    theirs = tmp_path / "theirs"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", theirs], check=True)
    install(theirs, *wheels.glob("blake3-*.whl"), *wheels.glob("platformdirs-*.whl"), wheels / "tinything-1.0-py3-none-any.whl")
    (site_of(theirs) / "ours.pth").write_text(own_folder(str(tmp_path / "ours")))
    script = "import isfdb, tinything\ndb = isfdb.open('db')\ndb['release'] = float(tinything.VERSION)\n"
    (tmp_path / "script.py").write_text(script)
    subprocess.run([theirs / "bin" / "python", "script.py"], cwd=tmp_path, check=True)
    for path in site_of(theirs).glob("tinything*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    install(theirs, wheels / "tinything-2.0-py3-none-any.whl")

    db = isfdb.open(tmp_path / "db")
    unasked = isfdb.replay(db, "release", environment=str(theirs))
    assert unasked.label == "different (because: unknown)", unasked
    assert "environment='recorded'" in unasked.detail
    assert any("tinything was 1.0" in text and "not built" in text for _, text in unasked.evidence), unasked
    assert built(tmp_path) == [], "nobody asked for it, and it may take minutes"
    newer = isfdb.replay(db, "release", environment=str(theirs), budget=2)
    assert newer.label == "different (because: environment)" and not newer.recorded, newer
    assert "tinything" in str(newer)
    recorded = isfdb.replay(db, "release", environment="recorded")
    assert recorded.status == "identical", recorded
    known = isfdb.replay(db, "release", environment=str(theirs), again=True)
    assert known.label == "different (because: environment)", "one that is built already is used unasked"
