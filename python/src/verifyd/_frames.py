"""Arrays and data frames as files of rows.

Numbers in an array become an .npy file; frames, which have names for their columns, and arrays of Python objects become a CSV
file, so that the command's data layer judges every cell and names row and column; an Arrow table stays one. Nothing is
dropped, filled or guessed here, nothing is pickled, and pandas, polars and pyarrow are not imported.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from ._error import Error
from ._files import Files

_NUMBERS = "biuf"


class Cells:
    """Columns of Python objects, with names or without."""

    def __init__(self, columns: Sequence[Sequence[Any]], names: Optional[Sequence[str]]) -> None:
        self.columns = columns
        self.names = names

    def csv(self, flags: bool) -> bytes:
        """The cells as CSV, below a line of names. With flags, truth values are 1 and 0."""
        names = self.names if self.names is not None else [f"column {k + 1}" for k in range(len(self.columns))]
        lines = [",".join(_quoted(name) for name in names)]
        texts = [[_cell(value, flags) for value in column] for column in self.columns]
        if len(texts) == 1:  # an empty line is none
            lines.extend(text or '""' for text in texts[0])
        else:
            lines.extend(",".join(row) for row in zip(*texts))
        return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


Rows = Union[NDArray[Any], Cells, bytes]  # bytes are an Arrow file


def _quoted(text: str) -> str:
    if any(c in text for c in '",;\t\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _cell(value: Any, flags: bool) -> str:
    """A cell's text: what is missing is empty, and every number is written so that it is read back as itself."""
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value)) if flags else str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return "" if math.isnan(number) else repr(number)
    text = str(value)
    if text in ("NaT", "<NA>"):  # what pandas has for a missing time, and for missing
        return ""
    return _quoted(text)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "shape") and not isinstance(data, np.ndarray)


def _is_arrow(data: Any) -> bool:
    return type(data).__module__.split(".")[0] == "pyarrow" and hasattr(data, "to_batches")


def _arrow(table: Any) -> bytes:
    from pyarrow import ipc  # the table's own library

    sink = io.BytesIO()
    with ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _frame(data: Any) -> Cells:
    names = [str(name) for name in data.columns]
    at = data.iloc if hasattr(data, "iloc") else None  # by place: names may be there twice
    series = [at[:, k] if at is not None else data[name] for k, name in enumerate(data.columns)]
    return Cells([_values(s) for s in series], names)


def _values(series: Any) -> List[Any]:
    values = series.tolist() if hasattr(series, "tolist") else series.to_list()
    return list(values)


def _array(data: Any, name: str) -> NDArray[Any]:
    if hasattr(data, "toarray"):
        raise Error(f"{name}: a sparse matrix: want {name}.toarray()", kind="wrong-type", file=name)
    if isinstance(data, np.ma.MaskedArray) and np.ma.getmaskarray(data).any():
        shown: NDArray[Any] = np.array(data.data, dtype=object)
        shown[np.ma.getmaskarray(data)] = None
        return shown
    try:
        with warnings.catch_warnings():  # NumPy before 1.24 only warns of rows of different lengths
            warnings.filterwarnings("error", "Creating an ndarray from ragged")
            return np.asarray(data)
    except (ValueError, TypeError, Warning) as e:
        raise Error(f"{name}: no array of rows: {e}", kind="bad-form", file=name) from None


def rows_of(data: Any, name: str) -> Rows:
    """Features, in the form in which they are handed on."""
    if _is_arrow(data):
        return _arrow(data)
    if _is_frame(data):
        return _frame(data)
    array = _array(data, name)
    if array.ndim == 0:
        raise Error(f"{name}: a single value is not a table of rows", kind="wrong-type", file=name)
    if array.dtype.kind != "O":
        return array
    columns = [array] if array.ndim == 1 else [array[:, k] for k in range(array.shape[1])]
    return Cells([_values(c) for c in columns], None)


def column_of(data: Any, name: str) -> Rows:
    """Labels, targets or owners: one for each row."""
    if _is_arrow(data) or _is_frame(data):
        return rows_of(data, name)
    array = np.array(data.to_pylist(), dtype=object) if hasattr(data, "to_pylist") else _array(data, name)
    if array.dtype.kind != "O":
        return array
    if array.ndim != 1:
        return rows_of(array, name)
    return Cells([_values(array)], [name])


def add(files: Files, name: str, rows: Rows, flags: bool = False) -> str:
    """Make a file of rows, under an argument's name."""
    if isinstance(rows, bytes):
        return files.add(name + ".arrow", rows)
    if isinstance(rows, Cells):
        return files.add(name + ".csv", rows.csv(flags))
    return files.add(name + ".npy", *npy(rows))


def npy(array: NDArray[Any]) -> Tuple[bytes, memoryview]:
    """An array as an .npy file: the header, and the elements."""
    ordered = np.ascontiguousarray(array) if array.ndim else array
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(ordered))
    return head.getvalue(), ordered.reshape(-1).view(np.uint8).data if ordered.size else memoryview(b"")


def aligned(first: Any, first_name: str, second: Any, second_name: str) -> None:
    """Refuse two frames whose rows are not each other's by their indices: pandas would match them so, an array cannot."""
    a, b = getattr(first, "index", None), getattr(second, "index", None)
    if a is None or b is None or not hasattr(a, "equals") or not hasattr(b, "equals") or a.equals(b):
        return
    where = "they have " + (f"{len(a)} and {len(b)} rows" if len(a) != len(b) else "other labels, or in another order")
    for row, (x, y) in enumerate(zip(a, b)):
        if x != y:
            where = f"row {row} is {x!r} in the one and {y!r} in the other"
            break
    raise Error(
        f"{second_name}: its index is not that of {first_name}: {where}",
        kind="unaligned", file=second_name, field="index",
        hint=f"{second_name}.loc[{first_name}.index] brings them together, .to_numpy() takes them by their place",
    )
