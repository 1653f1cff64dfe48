"""Values of rows: the same numbers as the command's, from arrays and from frames, and the data layer's refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import verifyd

Rows = Tuple[Any, Any, Any, Any]
CLI = Callable[..., Dict[str, Any]]
SEED = "ab" * 32


def flags(files: Rows) -> Tuple[str, ...]:
    return ("--train", files[0], "--train-labels", files[1], "--test", files[2], "--test-labels", files[3])


def frames(rows: Rows) -> Rows:
    x, y, x_test, y_test = rows
    names = ["age", "a, b", "height"]
    return pd.DataFrame(x, columns=names), pd.Series(y, name="sick"), pd.DataFrame(x_test, columns=names), pd.Series(y_test, name="sick")


def test_neighbours_have_the_numbers_of_the_command(rows: Rows, files: Rows, cli: CLI) -> None:
    got = verifyd.knn_shapley(*rows, n_neighbors=3)
    want = cli("value", "knn", "-k", "3", *flags(files))
    assert got.document == want
    assert got.interval == "exact" and np.array_equal(got.low, got.values) and np.array_equal(np.asarray(got), got.values)
    assert [round(v * 10**9) for v in got.exact if v is not None] == want["results"][0]["values"]
    assert verifyd.knn_shapley(*rows).document == verifyd.knn_shapley(*rows, k=5).document


@pytest.mark.parametrize("name", ["data", "banzhaf", "beta"])
def test_retraining_has_the_certificate_of_the_command_to_the_byte(name: str, rows: Rows, files: Rows, cli: CLI, tmp_path: Path) -> None:
    owners = np.arange(60) % 5
    np.save(tmp_path / "owners.npy", owners)
    ways: Dict[str, Tuple[Callable[..., verifyd.Result], Dict[str, Any], Tuple[str, ...]]] = {
        "data": (verifyd.data_shapley, {"budget": 2}, ("--estimator", "antithetic", "--budget", "2")),
        "banzhaf": (verifyd.banzhaf, {"budget": 9}, ("--estimator", "banzhaf", "--budget", "9")),
        "beta": (verifyd.beta, {"budget": 2, "alpha": 4}, ("--estimator", "beta", "--budget", "2", "--alpha", "4", "--beta", "1")),
    }
    function, options, way = ways[name]
    got = function(*rows, owners=owners, seed=SEED, transcript=tmp_path / "p", **options)
    want = cli("value", "data", *flags(files), "--owners", "owners.npy", "--randomness", SEED, *way, "--out", "c")
    assert got.document == want
    for file in ("certificate.json", "utilities.bin", "game.json"):
        assert (tmp_path / "p" / file).read_bytes() == (tmp_path / "c" / file).read_bytes()
    assert got.transcript == str(tmp_path / "p") and got.owners == ["0", "1", "2", "3", "4"]
    audit = verifyd.audit(tmp_path / "p", data=rows, owners=owners)
    with pytest.raises(verifyd.Error, match="no option of an audit"):
        verifyd.audit(tmp_path / "p", data=rows, owners=owners, nonsense=1)
    assert audit.passed and audit.checked == audit.leaves == got.evaluations
    assert np.array_equal(verifyd.load(tmp_path / "p").values, got.values)


def test_values_out_of_the_bag_are_those_of_the_command(rows: Rows, files: Rows, cli: CLI) -> None:
    got = verifyd.data_oob(*rows, n_estimators=3, seed=SEED)
    want = cli("value", "oob", "--learners", "3", *flags(files), "--randomness", SEED)
    assert got.document == want
    assert got.counts is not None and np.array_equal(np.isnan(got.values), got.counts == 0)


def test_every_kind_of_table_has_the_values_of_its_array(rows: Rows) -> None:
    want = verifyd.knn_shapley(*rows).document["results"]
    x, y, x_test, y_test = rows
    f, s, f_test, s_test = frames(rows)
    text = np.array(["well", "sick"])
    for data in (
        (f, s, f_test, s_test),
        (f, y, f_test[["height", "age", "a, b"]], y_test),  # columns are matched by name
        (f.astype("float32"), s.astype("category"), f_test.astype("int16"), s_test.astype("category")),
        (f.astype("Int64"), s.astype("boolean"), f_test, s_test.astype(bool)),
        (pa.Table.from_pandas(f), pa.array(y), pa.Table.from_pandas(f_test), pa.array(y_test)),
        (x.astype(np.float16), text[y], x_test.astype(">f8"), list(text[y_test])),
        (np.asfortranarray(x), y.tolist(), x_test[::-1][::-1], tuple(y_test)),
        (x.astype(object), y.astype(object), x_test, y_test),
        (x, text[y].astype(object), x_test.tolist(), text[y_test].astype(object)),
        (f.set_index(np.arange(60)[::-1]), s.set_axis(np.arange(60)[::-1]), f_test, s_test),
    ):
        assert verifyd.knn_shapley(*data).document["results"] == want


class Column:
    """A column as polars has it: no index, and values by to_list."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def to_list(self) -> Any:
        return self._values.tolist()


class Frame:
    """A frame of another library than pandas."""

    def __init__(self, frame: Any) -> None:
        self.columns, self.shape, self._frame = list(frame.columns), frame.shape, frame

    def __getitem__(self, name: str) -> Column:
        return Column(self._frame[name])


def test_a_frame_of_another_library_is_one(rows: Rows) -> None:
    f, s, f_test, s_test = frames(rows)
    assert verifyd.knn_shapley(Frame(f), s, Frame(f_test), s_test).document == verifyd.knn_shapley(f, s, f_test, s_test).document


def test_a_frame_of_any_floats_has_the_bits_of_its_array() -> None:
    rng = np.random.default_rng(3)
    x, x_test = rng.standard_normal((40, 2)) * 10.0 ** rng.integers(-3, 3, (40, 2)), rng.standard_normal((9, 2))
    y, y_test = np.arange(40) % 3, np.arange(9) % 3
    a = verifyd.knn_shapley(x, y, x_test, y_test, k=2, scale="standard", clip=True)
    b = verifyd.knn_shapley(pd.DataFrame(x), y, pd.DataFrame(x_test), y_test, k=2, scale="standard", clip=True)
    assert a.document["results"] == b.document["results"]
    assert a.interval in ("rounding", "none") and not a.document["features"]["exact"]


def test_what_is_wrong_with_a_table_is_an_error_with_its_place(rows: Rows) -> None:
    x, y, x_test, y_test = rows
    f, s, f_test, s_test = frames(rows)
    hole, word, real = f.astype(float), f.astype(object), x.astype(float)
    hole.loc[3, "a, b"] = np.nan
    word.loc[4, "height"] = "tall"
    real[5, 2] = np.inf
    masked = np.ma.masked_array(x, mask=[[row == 2 and column == 1 for column in range(3)] for row in range(60)])
    for data, kind, file, words in (
        ((hole, s, f_test, s_test), "bad-form", "X", "row 3: column 2 (a, b): missing"),
        ((f, s, hole.head(20), s_test), "bad-form", "X_test", "row 3: column 2 (a, b): missing"),
        ((word, s, f_test, s_test), "bad-form", "X", 'row 4: column 3 (height): "tall" is not a number'),
        ((real, y, x_test, y_test), "bad-form", "X", "is not finite"),
        ((masked, y, x_test, y_test), "bad-form", "X", "row 2: column 2"),
        ((x, y[:50], x_test, y_test), "bad-length", "y", "50 rows, want 60"),
        ((f, s, f_test.drop(columns="age"), s_test), "wrong-type", "X_test", '"age" is missing'),
        ((f, s, x_test, y_test), "wrong-type", "X_test", "no names"),
        ((f, s.sample(frac=1, random_state=0), f_test, s_test), "unaligned", "y", "its index is not that of X"),
        ((f, s[:50], f_test, s_test), "unaligned", "y", "60 and 50 rows"),
        ((x, np.zeros(60), x_test, np.zeros(20)), "out-of-range", "y", "all rows are of one class"),
        ((x, y + 0.5, x_test, y_test), "out-of-range", "y", "is not a label"),
        ((x, s.where(s > 0).astype(object), x_test, y_test), "bad-form", "y", "missing"),
        ((x.astype(complex), y, x_test, y_test), "bad-form", "X", "want f2"),
        ((pd.DataFrame({"t": pd.to_datetime(["2020-01-01"] * 60)}), y, pd.DataFrame({"t": [1.0] * 20}), y_test), "bad-form", "X", "is not a number"),
        (([[1, 2], [3]], [0, 1], x_test, y_test), "bad-form", "X", "no array"),
        ((3, y, x_test, y_test), "wrong-type", "X", "a single value"),
        ((f.rename(columns={"age": "height"}), s, f_test, s_test), "bad-form", "X", "is there twice"),
    ):
        with pytest.raises(verifyd.Error) as caught:
            verifyd.knn_shapley(*data)
        e = caught.value
        assert (e.kind, e.file) == (kind, file) and words in str(e) and "/dev/fd" not in str(e), str(e)


def test_options_that_make_no_sense_are_errors_of_the_package(rows: Rows, tmp_path: Path) -> None:
    calls: Tuple[Callable[[], verifyd.Result], ...] = (
        lambda: verifyd.knn_shapley(*rows, n_neighbors=3, k=3),
        lambda: verifyd.knn_shapley(*rows, k=0),
        lambda: verifyd.knn_shapley(*rows, variant="best"),
        lambda: verifyd.data_shapley(*rows, estimator="best"),
        lambda: verifyd.data_shapley(*rows, seed=-1),
        lambda: verifyd.data_shapley(*rows, seed="abc"),
        lambda: verifyd.data_shapley(*rows, level=2.0),
        lambda: verifyd.data_shapley(*rows, budget=-5),
        lambda: verifyd.data_shapley(*rows, resume=False, transcript=tmp_path),
        lambda: verifyd.load(tmp_path),
    )
    for call in calls:
        with pytest.raises(verifyd.Error) as caught:
            call()
        assert caught.value.kind in ("usage", "refused", "missing-file")
    with pytest.raises(verifyd.Error) as caught:
        verifyd.data_shapley(*rows, level=0.1, budget=1)
    assert (caught.value.field, caught.value.limit) == ("level", "500 to 999")


def test_a_target_that_is_not_met_is_said(rows: Rows) -> None:
    r = verifyd.data_shapley(*rows, budget=8, target=0.001)
    assert not r.met and r.level == 0.95 and bool((r.high > r.low).all())
