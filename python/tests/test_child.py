"""The command as a child: what is bounded, what is handed down, what is drawn."""

from __future__ import annotations

import ast
import io
import os
import stat
from pathlib import Path

import pytest

import verifyd
from verifyd._child import Child, run
from verifyd._error import in_memory
from verifyd._files import Files
from verifyd._progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_for_whoever_watches_and_is_gone_at_the_end() -> None:
    watched, piped = Terminal(), io.StringIO()
    for stream in (watched, piped):
        bar = Bar(stream=stream)
        bar.update("coalitions", 1, 4)
        bar.update("coalitions", 4, 4)
        bar.close()
    assert "1/4" in watched.getvalue() and watched.getvalue().endswith(" \r") and piped.getvalue() == ""
    off = Terminal()
    Bar(False, off).update("x", 1, 2)
    assert off.getvalue() == ""
    forced = io.StringIO()
    Bar(True, forced).update("x", 1, 2)
    assert "1/2" in forced.getvalue()
    watched.close()
    Bar(stream=watched).update("x", 1, 2)  # nobody is there


def test_files_have_no_name_on_any_disk_and_are_gone_when_closed() -> None:
    with Files() as files:
        path = files.add("X.npy", b"ab", memoryview(b"cd"))
        descriptor = files.descriptors[0]
        assert path == f"/dev/fd/{descriptor}/X.npy" and os.pread(descriptor, 9, 0) == b"abcd"
        status = os.fstat(descriptor)
        assert stat.S_ISREG(status.st_mode) and status.st_nlink == 0
    with pytest.raises(OSError):
        os.fstat(descriptor)
    with Files() as files, pytest.raises(verifyd.Error):
        files.add("a/b", b"")


def test_nothing_of_the_package_pickles() -> None:
    for page in Path(verifyd.__file__).parent.glob("*.py"):
        tree = ast.parse(page.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not (names | modules) & {"pickle", "marshal", "shelve", "joblib", "cloudpickle", "dill"}, page
        assert "allow_pickle=True" not in page.read_text(encoding="utf-8")


def test_messages_name_arguments_and_not_where_they_lay() -> None:
    assert in_memory("/dev/fd/7/X.csv: line 4 (row 2): column 2 (age): missing") == "X: row 2: column 2 (age): missing"
    assert in_memory("a /dev/fd/12/worker 1.safetensors: b") == "a /dev/fd/12/worker 1.safetensors: b".replace("/dev/fd/12/worker", "worker")
    assert in_memory("/dev/fd/7/y_test.npy has 3") == "y_test has 3"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 and later, where there are threads
def test_a_child_belongs_to_the_process_that_started_it() -> None:
    with Child(["value", "estimators", "-o", "json"]) as child:
        pid = os.fork()
        if pid == 0:  # pragma: no cover
            try:
                child.stop()
                child.finish()
            except verifyd.Error as e:
                os._exit(0 if "forked" in str(e) else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert child.finish().code == 0


def test_a_command_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VERIFYD_BINARY", str(tmp_path / "none"))
    with pytest.raises(verifyd.Error) as caught:
        run(["version"])
    assert caught.value.kind == "missing-file"


def test_a_child_that_dies_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "verifyd"
    program.write_text("#!/bin/sh\necho 'runtime: out of memory' >&2\necho '{\"note\": 7}' >&2\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("VERIFYD_BINARY", str(program))
    with pytest.raises(verifyd.Error, match="ended by SIGKILL: runtime: out of memory"):
        run(["version"])
    with pytest.raises(verifyd.Error, match="out of memory"):
        verifyd.values(3, len)


def test_what_the_command_refuses_on_its_line_is_usage() -> None:
    with pytest.raises(verifyd.Error) as caught:
        run(["value", "data", "--nonsense"])
    assert caught.value.kind == "usage" and "nonsense" in str(caught.value)
