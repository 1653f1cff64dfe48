"""Any utility: the values of the command, transcripts that are gone on from, and whatever can be wrong with a utility."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest

import verifyd

CLI = Callable[..., Dict[str, Any]]
WEIGHTS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9])


def root(members: Any) -> float:
    return math.sqrt(WEIGHTS[members].sum())


PROGRAM = """
import math
import numpy as np
import verifyd
W = np.arange(1, 10)
def utility(members):
    print("what a utility prints is not taken for an answer")
    return math.sqrt(W[members].sum())
verifyd.serve(9, utility, names=list("abcdefghi"), identity="roots")
"""


def test_a_function_has_the_values_of_a_program_that_the_command_asks(cli: CLI, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    want = cli("value", "utility", "--estimator", "antithetic", "--budget", "3", "--randomness", f"{5:064x}", "--out", "c", "--", sys.executable, "program.py")
    got = verifyd.values(9, root, budget=3, seed=5, names=list("abcdefghi"), identity="roots", transcript=tmp_path / "p")
    assert got.document == want
    for file in ("certificate.json", "utilities.bin", "game.json"):
        assert (tmp_path / "p" / file).read_bytes() == (tmp_path / "c" / file).read_bytes()
    batched = verifyd.values(9, lambda masks: (masks @ WEIGHTS) ** 0.5, budget=3, seed=5, names=list("abcdefghi"), identity="roots", batch=64)
    assert batched.document == want
    audit = cli("value", "audit", "p", "--randomness", "cd" * 32, "--", sys.executable, "program.py")
    assert audit["wrong"] is None and audit["checked"] == audit["leaves"]


def test_an_audit_asks_again_or_says_that_it_did_not(tmp_path: Path) -> None:
    verifyd.values(9, root, budget=3, transcript=tmp_path / "t", bounds=(0, 7), null=())
    assert verifyd.audit(tmp_path / "t", root).checked == 50
    assert verifyd.audit(tmp_path / "t", lambda masks: (masks @ WEIGHTS) ** 0.5, batch=7).passed
    silent = verifyd.audit(tmp_path / "t")
    assert silent.checked == 0 and max(silent.missed.values()) == 1.0 and "arithmetic alone" in silent.notes[0]
    other = verifyd.audit(tmp_path / "t", lambda members: root(members) if len(members) != 4 else 0.0)
    assert not other.passed and len(other.wrong) == 6
    data = bytearray((tmp_path / "t" / "utilities.bin").read_bytes())
    data[80] ^= 1
    (tmp_path / "t" / "utilities.bin").write_bytes(data)
    with pytest.raises(verifyd.Error, match="transcript does not lead to the result"):
        verifyd.audit(tmp_path / "t")


def test_exact_values_and_facts_are_the_games(tmp_path: Path) -> None:
    r = verifyd.values(3, lambda m: float(len(m) > 0 and 0 in m), estimator="exact", bounds=(0, 1), null=[1, 2])
    assert r.values.tolist() == [1.0, 0.0, 0.0] and r.interval == "exact" and r.document["result"]["null"] == [1, 2]
    assert list(r) == [1.0, 0.0, 0.0] and r[0] == 1.0 and len(r) == 3 and r.argsort().tolist() == [1, 2, 0]
    assert float(np.sum(r)) == 1.0 and np.asarray(r, dtype=np.float32).dtype == np.float32 and "3 by exact" in repr(r)


def pairs_only(value: Any, other: Any) -> Callable[[Any], Any]:
    return lambda members: value if len(members) == 2 else other


def refused(utility: Callable[[Any], Any], **options: Any) -> verifyd.UtilityError:
    with pytest.raises(verifyd.UtilityError) as caught:
        verifyd.values(4, utility, estimator="exact", **options)
    return caught.value


def test_whatever_is_wrong_with_a_utility_is_one_error_with_the_coalition() -> None:
    def raises(members: Any) -> float:
        if members.tolist() == [1, 3]:
            raise ValueError("one class")
        return 0.0

    e = refused(raises)
    assert e.kind == "utility-raised" and e.coalition is not None and e.coalition.tolist() == [1, 3]
    assert isinstance(e.__cause__, ValueError) and "ValueError: one class" in str(e)
    again = copy.deepcopy(e)  # as a pool of processes hands it on
    assert again.kind == e.kind and str(again) == str(e) and again.coalition is not None and again.coalition.tolist() == [1, 3]

    for value, kind in (
        (float("nan"), "utility-not-finite"), (float("-inf"), "utility-not-finite"), (np.float32("nan"), "utility-not-finite"), (1e7, "utility-too-large"), (1e300, "utility-too-large"),
        ([0.5, 0.5], "utility-length"), (np.zeros((1, 1)), "utility-length"), ("0.5", "utility-bad-number"), (None, "utility-bad-number"), (1j, "utility-bad-number"),
    ):
        e = refused(pairs_only(value, 0.25))
        assert e.kind == kind and e.coalition is not None and len(e.coalition) == 2, (value, e)
    for matrix, kind in (
        (lambda m: np.zeros(len(m) + 1), "utility-length"), (lambda m: 0.5, "utility-length"), (lambda m: np.zeros((len(m), 2)), "utility-length"), (lambda m: m / 0, "utility-raised"),
        (lambda m: np.where(m.sum(axis=1) == 3, np.nan, 0.0), "utility-not-finite"),
    ):
        with np.errstate(all="raise"):
            assert refused(matrix, batch=8).kind == kind
    calls: List[int] = []
    e = refused(lambda members: float(len(calls.append(0) or calls)))  # type: ignore[func-returns-value]
    assert e.kind == "utility-differs" and e.coalition is not None
    assert refused(lambda members: 0.5, bounds=(0, 0.25)).kind == "utility-too-large"


@pytest.mark.parametrize("n", [1, 8, 9, 64, 65, 1000])
def test_members_are_those_of_the_coalition_for_any_number_of_players(n: int) -> None:
    weights = np.arange(1, n + 1)
    r = verifyd.values(n, lambda members: float(weights[members].sum()) / 1024, estimator="loo")
    assert np.allclose(r.values, weights / 1024)
    b = verifyd.values(n, lambda masks: masks @ weights / 1024, estimator="loo", batch=100)
    assert b.document == r.document


def test_numbers_of_every_type_are_taken() -> None:
    for number in (1, True, 0.25, np.float32(0.25), np.int8(3), np.array(0.5), np.bool_(True)):
        found = verifyd.values(2, pairs_only(number, 0), estimator="exact").document["result"]["full"]
        assert found == round(float(number) * 10**9)


def test_a_run_that_failed_goes_on_to_the_same_values(tmp_path: Path) -> None:
    want = verifyd.values(9, root, budget=4, seed=3)
    asked: List[int] = []

    def fails(members: Any) -> float:
        asked.append(len(members))
        if len(asked) == 20:
            raise MemoryError("no GPU")
        return root(members)

    with pytest.raises(verifyd.UtilityError, match="no GPU"):
        verifyd.values(9, fails, budget=4, seed=3, transcript=tmp_path / "t")
    assert not (tmp_path / "t" / "certificate.json").exists()
    with pytest.raises(verifyd.Error, match="no finished run"):
        verifyd.load(tmp_path / "t")
    before = len(asked)
    got = verifyd.values(9, fails, budget=4, seed=3, transcript=tmp_path / "t")
    assert got.document == want.document and "took up an interrupted run" in " ".join(got.notes)
    assert len(asked) - before < got.evaluations - 10
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == ["certificate.json", "game.json", "utilities.bin"]
    with pytest.raises(verifyd.Error, match="holds a finished run"):
        verifyd.values(9, root, budget=4, seed=3, transcript=tmp_path / "t")


def test_a_run_of_another_utility_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(verifyd.UtilityError):
        verifyd.values(9, lambda members: root(members) if len(members) != 3 else float("nan"), budget=4, transcript=tmp_path / "t")
    with pytest.raises(verifyd.UtilityError) as caught:  # everybody is asked for again at once
        verifyd.values(9, lambda members: root(members) + 1, budget=4, transcript=tmp_path / "t")
    assert caught.value.kind == "utility-differs" and caught.value.coalition is not None and len(caught.value.coalition) == 9
    with pytest.raises(verifyd.Error, match="another game or other options"):
        verifyd.values(9, root, budget=5, transcript=tmp_path / "t")


SLOW = """
import math, signal, sys, time
import numpy as np
import verifyd
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background of a shell ignores it
def utility(members):
    time.sleep(0.02)
    return math.sqrt(np.arange(1, 10)[members].sum())
print("begins", flush=True)
verifyd.values(9, utility, budget=4, seed=3, transcript=sys.argv[1])
"""


def children(pid: int) -> List[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_leaves_no_process_and_no_file_and_goes_on_to_the_same_values(how: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path / "t")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    transcript = tmp_path / "t" / "utilities.bin"
    deadline = time.monotonic() + 60
    while not (transcript.exists() and transcript.stat().st_size >= 80):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    started = children(process.pid)
    assert started
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    if how == signal.SIGINT:
        assert b"KeyboardInterrupt" in stderr
    while any(alive(pid) for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(temporary.iterdir()) == []
    done = transcript.stat().st_size // 8
    asked: List[int] = []

    def count(members: Any) -> float:
        asked.append(1)
        return root(members)

    got = verifyd.values(9, count, budget=4, seed=3, transcript=tmp_path / "t")
    assert got.document == verifyd.values(9, root, budget=4, seed=3).document
    assert len(asked) <= got.evaluations - done + 10


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 and later, where there are threads
def test_a_utility_may_fork_and_a_fork_may_not_answer() -> None:
    def utility(members: Any) -> float:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return root(members)

    assert verifyd.values(9, utility, budget=2, seed=1).document == verifyd.values(9, root, budget=2, seed=1).document


def test_threads_value_at_the_same_time() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda seed: verifyd.values(9, root, budget=2, seed=seed).document, [1, 2, 1, 2]))
    assert many[0] == many[2] and many[1] == many[3] and many[0] != many[1]


def test_nobody_is_asked_more_often_than_promised() -> None:
    asked: List[int] = []

    def count(members: Any) -> float:
        asked.append(1)
        return root(members)

    r = verifyd.values(9, count, budget=60)
    assert r.evaluations < len(asked) < 1.1 * r.evaluations
    asked.clear()
    assert verifyd.values(9, count, budget=60, again=0).evaluations == len(asked)


def test_the_root_is_of_the_identity_that_is_given() -> None:
    one = verifyd.values(9, root, budget=2, identity="sha256:" + hashlib.sha256(b"data").hexdigest())
    two = verifyd.values(9, root, budget=2)
    assert one.document["root"] != two.document["root"] and json.dumps(one.document["details"]).startswith('{"identity": "sha256:')
