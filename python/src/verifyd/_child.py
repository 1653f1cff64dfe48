"""The command verifyd as a child process: what it is asked to do, and what it has to say.

The child ends with this process, however that ends (it looks who its parent is), and a signal from the terminal is this process' to
deal with: an exception while a child works, KeyboardInterrupt included, ends the child. A child belongs to the process that
started it; in one that was forked from that it only raises.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import warnings
from types import TracebackType
from typing import IO, Any, Dict, Iterator, List, Optional, Sequence, Type

from ._error import Error, error_of, in_memory
from ._files import Files
from ._progress import Bar

_GRACE = 5.0  # seconds in which a child that was interrupted ends by itself
_NOT_MET = 6  # exit code: a target that was asked for is not met
_ALTERED = 3  # exit code of an audit
_MAX_MESSAGE = 64 << 20  # bytes of a message


class VerifydWarning(UserWarning):
    """What verifyd warns of."""


def command() -> str:
    """The path of the command: the one of this package, or what $VERIFYD_BINARY names."""
    path = os.environ.get("VERIFYD_BINARY") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "_bin", "verifyd")
    if not os.access(path, os.X_OK):
        raise Error(f"{path}: the command is not there: install a wheel for this platform", kind="missing-file", file=path)
    return path


class Output:
    """What a child that ended well left: the bytes of its standard output, its notes and its exit code."""

    def __init__(self, data: bytes, notes: List[str], code: int) -> None:
        self.data = data
        self.notes = notes
        self.code = code

    def document(self) -> Dict[str, Any]:
        value = json.loads(self.data)
        assert isinstance(value, dict)
        return value

    @property
    def met(self) -> bool:
        """Whether the target that was asked for was met."""
        return self.code != _NOT_MET


class Child:
    """A running verifyd. Use it in a with statement.

    arguments   of the command, without those that say how it talks
    files       what it inherits
    bar         where its progress is drawn
    asks        it asks on its standard output and is answered on its standard input
    """

    def __init__(self, arguments: Sequence[str], *, files: Optional[Files] = None, bar: Optional[Bar] = None, asks: bool = False) -> None:
        self._owner = os.getpid()
        self._bar = bar if bar is not None else Bar(False)
        self._notes: List[str] = []
        self._warned: List[str] = []
        self._failure: Optional[Dict[str, Any]] = None
        self._strange: List[str] = []
        self._process = subprocess.Popen(
            [command(), "--messages", "json", "--parent", str(self._owner), *arguments],
            stdin=subprocess.PIPE if asks else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=files.descriptors if files is not None else (),
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, name="verifyd", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Take what the child says, to the end of its standard error."""
        stderr = self._process.stderr
        assert stderr is not None
        while True:
            line = stderr.readline(_MAX_MESSAGE)
            if not line:
                return
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if not isinstance(message, dict):  # such as what a runtime says that dies
                self._strange = (self._strange + [line.decode("utf-8", "replace").rstrip()])[-20:]
            elif "progress" in message:
                step = message["progress"]
                self._bar.update(str(step["what"]), int(step["done"]), int(step["total"]))
            elif "error" in message:
                self._failure = message["error"]
            elif "note" in message:
                self._notes.append(in_memory(str(message["note"])))
            elif message.get("level") in ("WARN", "ERROR"):
                fields = [f"{name} {value}" for name, value in message.items() if name not in ("time", "level", "msg")]
                self._warned.append(in_memory("; ".join([str(message.get("msg")), *fields])))

    def _own(self) -> None:
        if os.getpid() != self._owner:
            raise Error(f"verifyd was started by process {self._owner}, from which this one was forked", kind="usage")

    def lines(self) -> Iterator[bytes]:
        """The lines of the child's standard output, as they come."""
        self._own()
        return iter(_pipe(self._process.stdout).readline, b"")

    def send(self, document: Dict[str, Any]) -> bool:
        """Write a line to the child; False if it is there no longer, and finish says why."""
        self._own()
        stdin = _pipe(self._process.stdin)
        try:
            stdin.write(json.dumps(document, separators=(",", ":")).encode("utf-8") + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def finish(self) -> Output:
        """Wait for the child's end. Raises Error if it did not end well."""
        self._own()
        data = _pipe(self._process.stdout).read()
        code = self._process.wait()
        self._close()
        for text in self._warned:
            warnings.warn(text, VerifydWarning, stacklevel=4)
        if code in (0, _NOT_MET, _ALTERED) and self._failure is None:
            return Output(data, self._notes, code)
        if self._failure is not None:
            raise error_of(self._failure)
        last = "; ".join(self._strange) or "it said nothing"
        if code < 0:
            raise Error(f"verifyd was ended by {signal.Signals(-code).name}: {last}", kind="internal", hint="whoever runs short of memory has SIGKILL sent")
        raise Error(f"verifyd ended with code {code}: {last}", kind="internal")

    def stop(self) -> None:
        """End the child: an interrupt, some time, and a kill. In a process that was forked it does nothing."""
        if os.getpid() != self._owner:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        self._listener.join(_GRACE)
        if self._process.stderr is not None and not self._listener.is_alive():
            self._process.stderr.close()
        self._bar.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.stop()


def _pipe(pipe: Optional[IO[bytes]]) -> IO[bytes]:
    if pipe is None:
        raise Error("there is no such pipe to verifyd", kind="usage")
    return pipe


def run(arguments: Sequence[str], *, files: Optional[Files] = None, progress: Optional[bool] = None) -> Output:
    """Run the command to its end."""
    with Child(arguments, files=files, bar=Bar(progress)) as child:
        return child.finish()
