# generated, do not edit: from cleat/v1/exec.proto

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Unpack

import cleat.v1.common
import cleat.v1.containers
import cleat.v1.options
from cleat import codec, transport  # noqa: F401


@dataclass
class CreateExecRequest(codec.Message):
    container: str = ""
    command: list[str] = field(default_factory=list)
    # added to the container's
    env: list[str] = field(default_factory=list)
    # empty = the container's
    user: str = ""
    # empty = the container's
    working_dir: str = ""
    tty: bool = False
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    privileged: bool = False
    detach_keys: str = ""
    terminal: cleat.v1.common.TerminalSize | None = None


CreateExecRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "command", "many", "string", None),
    (3, "env", "many", "string", None),
    (4, "user", "one", "string", None),
    (5, "working_dir", "one", "string", None),
    (6, "tty", "one", "bool", None),
    (7, "attach_stdin", "one", "bool", None),
    (8, "attach_stdout", "one", "bool", None),
    (9, "attach_stderr", "one", "bool", None),
    (10, "privileged", "one", "bool", None),
    (11, "detach_keys", "one", "string", None),
    (12, "terminal", "one", "message", lambda: cleat.v1.common.TerminalSize),
)


@dataclass
class CreateExecReply(codec.Message):
    id: str = ""


CreateExecReply.FIELDS = (
    (1, "id", "one", "string", None),
)


@dataclass
class ExecStart(codec.Message):
    exec_id: str = ""
    detach: bool = False
    # Create and start in one call: exec_id is empty then.
    create: CreateExecRequest | None = None
    # from now on, of one that is joined too
    terminal: cleat.v1.common.TerminalSize | None = None
    resume_position: int | None = None
    # as AttachStart.moves
    moves: bool = False
    # the client sends none before `started`
    input: cleat.v1.containers.CountedInput | None = None


ExecStart.FIELDS = (
    (1, "exec_id", "one", "string", None),
    (2, "detach", "one", "bool", None),
    (3, "create", "one", "message", lambda: CreateExecRequest),
    (4, "terminal", "one", "message", lambda: cleat.v1.common.TerminalSize),
    (5, "resume_position", "oneof resume", "uint64", None),
    (6, "moves", "one", "bool", None),
    (7, "input", "one", "message", lambda: cleat.v1.containers.CountedInput),
)


@dataclass
class ExecInput(codec.Message):
    start: ExecStart | None = None
    stdin: bytes | None = None
    resize: cleat.v1.common.TerminalSize | None = None
    signal: str | None = None


ExecInput.FIELDS = (
    (1, "start", "oneof message", "message", lambda: ExecStart),
    (2, "stdin", "oneof message", "bytes", None),
    (3, "resize", "oneof message", "message", lambda: cleat.v1.common.TerminalSize),
    (4, "signal", "oneof message", "string", None),
)


@dataclass
class ExecOutput(codec.Message):
    started: ExecOutput_Started | None = None
    output: ExecOutput_Output | None = None
    exited: ExecOutput_Exited | None = None
    detached: ExecOutput_Detached | None = None
    # as AttachReply.moving
    moving: bool | None = None
    # as AttachReply.input_taken
    input_taken: int | None = None
    # as AttachReply.input_ended
    input_ended: bool | None = None


ExecOutput.FIELDS = (
    (1, "started", "oneof message", "message", lambda: ExecOutput_Started),
    (2, "output", "oneof message", "message", lambda: ExecOutput_Output),
    (3, "exited", "oneof message", "message", lambda: ExecOutput_Exited),
    (4, "detached", "oneof message", "message", lambda: ExecOutput_Detached),
    (5, "moving", "oneof message", "bool", None),
    (6, "input_taken", "oneof message", "uint64", None),
    (7, "input_ended", "oneof message", "bool", None),
)


@dataclass
class ExecOutput_Started(codec.Message):
    exec_id: str = ""
    # on the host
    pid: int = 0
    # as AttachReply.Attached.input_taken
    input_taken: int | None = None


ExecOutput_Started.FIELDS = (
    (1, "exec_id", "one", "string", None),
    (2, "pid", "one", "int32", None),
    (3, "input_taken", "oneof input", "uint64", None),
)


@dataclass
class ExecOutput_Output(codec.Message):
    stream: cleat.v1.common.OutputStream | int = 0
    data: bytes = b""
    # bytes of output of the session before this piece
    position: int = 0


ExecOutput_Output.FIELDS = (
    (1, "stream", "one", "enum", lambda: cleat.v1.common.OutputStream),
    (2, "data", "one", "bytes", None),
    (3, "position", "one", "uint64", None),
)


@dataclass
class ExecOutput_Exited(codec.Message):
    exit_code: int = 0


ExecOutput_Exited.FIELDS = (
    (1, "exit_code", "one", "int32", None),
)


@dataclass
class ExecOutput_Detached(codec.Message):
    pass


@dataclass
class InspectExecRequest(codec.Message):
    # id or unique prefix
    exec_id: str = ""


InspectExecRequest.FIELDS = (
    (1, "exec_id", "one", "string", None),
)


@dataclass
class ExecDetails(codec.Message):
    id: str = ""
    container_id: str = ""
    running: bool = False
    # absent while it runs or was not started
    exit_code: int | None = None
    pid: int = 0
    config: CreateExecRequest | None = None
    container_state: cleat.v1.containers.ContainerState | int = 0


ExecDetails.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "container_id", "one", "string", None),
    (3, "running", "one", "bool", None),
    (4, "exit_code", "oneof exit", "int32", None),
    (5, "pid", "one", "int32", None),
    (6, "config", "one", "message", lambda: CreateExecRequest),
    (7, "container_state", "one", "enum", lambda: cleat.v1.containers.ContainerState),
)


@dataclass
class ResizeExecRequest(codec.Message):
    exec_id: str = ""
    size: cleat.v1.common.TerminalSize | None = None


ResizeExecRequest.FIELDS = (
    (1, "exec_id", "one", "string", None),
    (2, "size", "one", "message", lambda: cleat.v1.common.TerminalSize),
)


@dataclass
class ResizeExecReply(codec.Message):
    pass


@dataclass
class ListExecsRequest(codec.Message):
    # empty = of all containers
    container: str = ""


ListExecsRequest.FIELDS = (
    (1, "container", "one", "string", None),
)


@dataclass
class ListExecsReply(codec.Message):
    execs: list[ExecDetails] = field(default_factory=list)


ListExecsReply.FIELDS = (
    (1, "execs", "many", "message", lambda: ExecDetails),
)


@dataclass
class KillExecRequest(codec.Message):
    exec_id: str = ""
    # empty = KILL
    signal: str = ""


KillExecRequest.FIELDS = (
    (1, "exec_id", "one", "string", None),
    (2, "signal", "one", "string", None),
)


@dataclass
class KillExecReply(codec.Message):
    pass


class Exec:
    """Errors: NOT_FOUND, reasons CONTAINER_NOT_FOUND, EXEC_ID_NOT_FOUND, EXEC_NOT_FOUND (no such program);
    FAILED_PRECONDITION, reasons NOT_RUNNING, PAUSED, EXEC_STARTED."""

    METHODS = {
        "Create": transport.Method("cleat.v1.Exec/Create", lambda: CreateExecReply,
            role=3, idempotent=False, no_side_effects=False),
        "Start": transport.Method("cleat.v1.Exec/Start", lambda: ExecOutput,
            role=3, idempotent=False, no_side_effects=False),
        "Inspect": transport.Method("cleat.v1.Exec/Inspect", lambda: ExecDetails,
            role=1, idempotent=True, no_side_effects=True),
        "Resize": transport.Method("cleat.v1.Exec/Resize", lambda: ResizeExecReply,
            role=2, idempotent=True, no_side_effects=False),
        "List": transport.Method("cleat.v1.Exec/List", lambda: ListExecsReply,
            role=1, idempotent=True, no_side_effects=True),
        "Kill": transport.Method("cleat.v1.Exec/Kill", lambda: KillExecReply,
            role=3, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def create(self, request: CreateExecRequest, **options: Unpack[transport.Options]) -> CreateExecReply:
        """Prepares a process; nothing runs yet."""
        return self._client.unary(self.METHODS["Create"], request, options)

    def start(self, **options: Unpack[transport.Options]) -> transport.Bidi[ExecInput, ExecOutput]:
        """Runs it. The first message of the client is ExecStart, then input; half-closing is the end of
        stdin. With ExecStart.detach the reply ends after `started`."""
        return self._client.bidi(self.METHODS["Start"], options)

    def inspect(self, request: InspectExecRequest, **options: Unpack[transport.Options]) -> ExecDetails:
        return self._client.unary(self.METHODS["Inspect"], request, options)

    def resize(self, request: ResizeExecRequest, **options: Unpack[transport.Options]) -> ResizeExecReply:
        return self._client.unary(self.METHODS["Resize"], request, options)

    def list(self, request: ListExecsRequest, **options: Unpack[transport.Options]) -> ListExecsReply:
        return self._client.unary(self.METHODS["List"], request, options)

    def kill(self, request: KillExecRequest, **options: Unpack[transport.Options]) -> KillExecReply:
        """Sends a signal to the process, which outlives its client."""
        return self._client.unary(self.METHODS["Kill"], request, options)


__all__ = [
    "CreateExecRequest",
    "CreateExecReply",
    "ExecStart",
    "ExecInput",
    "ExecOutput",
    "ExecOutput_Started",
    "ExecOutput_Output",
    "ExecOutput_Exited",
    "ExecOutput_Detached",
    "InspectExecRequest",
    "ExecDetails",
    "ResizeExecRequest",
    "ResizeExecReply",
    "ListExecsRequest",
    "ListExecsReply",
    "KillExecRequest",
    "KillExecReply",
    "Exec",
]
