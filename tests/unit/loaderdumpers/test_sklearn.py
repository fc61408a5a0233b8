"""Estimators come back as they were; what could do harm when loaded comes back only where it is trusted."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import DatabaseWarning, PickleWarning, UntrustedDataError
from isfdb.testing import assert_identical
from loaderdumpers import sklearn_to_skops

sklearn = pytest.importorskip("sklearn")
pytest.importorskip("skops")

from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: E402

POINTS = np.random.default_rng(1).random((60, 3))
LABELS = (POINTS.sum(axis=1) > 1.5).astype(int)


@pytest.fixture
def forest() -> Any:
    return RandomForestClassifier(5, random_state=1).fit(POINTS, LABELS)


def test_a_pipeline_comes_back_without_pickle_and_without_a_warning(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(POINTS, LABELS)
    db = isfdb.open(tmp_path / "db")
    db["model"] = model
    assert_identical(db["model"], model)
    facts = db.entry("model").describe
    assert (facts["type"], facts["fitted"], facts["steps"]) == ("Pipeline", True, ["StandardScaler", "LogisticRegression"])
    names = zipfile.ZipFile(Path(db.entry("model").path) / "data.skops").namelist()
    assert all(name == "schema.json" or name.endswith(".npy") for name in names)


def test_an_unfitted_estimator_keeps_its_parameters(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["model"] = LogisticRegression(C=0.1)
    assert db["model"].get_params() == LogisticRegression(C=0.1).get_params()
    assert db.entry("model").describe["fitted"] is False


def test_a_stranger_loads_harmless_estimators_and_no_others(forest: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = isfdb.open(tmp_path / "db")
    db["harmless"] = LinearRegression().fit(POINTS, LABELS)
    with pytest.warns(PickleWarning, match=r"holds sklearn\.tree\._tree\.Tree.*loads only for you") as told:
        db["forest"] = forest
    assert told[0].filename == __file__
    assert_identical(db["forest"], forest)
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "stranger"))
    assert_identical(db["harmless"], LinearRegression().fit(POINTS, LABELS))
    with pytest.raises(UntrustedDataError, match=r"holds sklearn\.tree\._tree\.Tree, which can do harm"):
        _ = db["forest"]


def test_a_changed_file_is_not_loaded_though_the_version_is_mine(forest: Any, tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    with pytest.warns(PickleWarning):
        db["forest"] = forest
    path = Path(db.entry("forest").path) / "data.skops"
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(isfdb.errors.IsfdbError, match=r"data\.skops"):
        _ = db["forest"]


def test_types_that_came_into_the_file_later_are_not_loaded(forest: Any, tmp_path: Path) -> None:
    arguments = sklearn_to_skops.dump(LinearRegression(), str(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    with pytest.warns(PickleWarning):
        sklearn_to_skops.dump(forest, str(other))
    (other / "data.skops").replace(tmp_path / "data.skops")
    with pytest.raises(ValueError, match="holds types that it did not hold when stored"):
        sklearn_to_skops.Loader(**arguments).get(str(tmp_path))


def test_a_function_of_the_user_goes_into_a_pickle_with_the_reason(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    model = make_pipeline(FunctionTransformer(lambda points: points * 2), LinearRegression()).fit(POINTS, LABELS)
    with pytest.warns(PickleWarning, match=r"is stored as a pickle, because it holds .*lambda.*which is none of scikit-learn's own"):
        db["model"] = model
    assert np.array_equal(db["model"].predict(POINTS), model.predict(POINTS))


def test_an_estimator_that_skops_does_not_know_is_pickled(tmp_path: Path) -> None:
    from sklearn.cluster import Birch

    model = Birch(n_clusters=None).fit(POINTS)
    db = isfdb.open(tmp_path / "db")
    with pytest.warns(PickleWarning, match=r"skops cannot keep it"):
        db["model"] = model
    assert np.array_equal(db["model"].predict(POINTS), model.predict(POINTS))
    assert (Path(db.entry("model").path) / "pickled" / "data.pickle").exists()


def test_another_scikit_learn_is_told(tmp_path: Path) -> None:
    arguments = sklearn_to_skops.dump(LinearRegression().fit(POINTS, LABELS), str(tmp_path))
    assert arguments["sklearn"] == sklearn.__version__
    with pytest.warns(DatabaseWarning, match=r"stored with scikit-learn 0\.1, and .* is installed.*pip install scikit-learn==0\.1"):
        sklearn_to_skops.Loader(**{**arguments, "sklearn": "0.1"}).get(str(tmp_path))


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    arguments = sklearn_to_skops.dump(LinearRegression(), str(tmp_path))
    (tmp_path / "data.skops").write_bytes((tmp_path / "data.skops").read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"data\.skops is no whole skops file"):
        sklearn_to_skops.Loader(**arguments).get(str(tmp_path))


def test_the_same_estimator_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(POINTS, LABELS)
        sklearn_to_skops.dump(model, str(tmp_path / name))
    assert (tmp_path / "one" / "data.skops").read_bytes() == (tmp_path / "two" / "data.skops").read_bytes()
