# SPDX-License-Identifier: Apache-2.0
"""Sessions of Docker's own client, written down as one sees them in a terminal and played against an engine.

A line `$ COMMAND` goes to a shell (a `\\` at its end goes on in the next line); what follows is what it shows, stdout and
stderr together, and `[N]` its exit code where that is not 0. `$tty COMMAND` has a terminal, and its lines that begin with the
prompt `/ # ` are typed once the prompt is there; `^P` is a control key, which no terminal shows. `# ` begins a remark. What differs each time stands
in angle brackets, and columns are two spaces apart.

As a program: `transcript.py unix://SOCKET FILE...` writes what that engine shows into the files."""
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent / "transcripts"
PROMPT = "/ # "
TIMEOUT_S = 60

_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d( [A-Z]+)?))?"
_SPAN = r"(Less than a second|\d+ seconds?|About a minute|\d+ minutes?|About an hour|\d+ (hours?|days?|weeks?|months?|years?))"
RULES = [(re.compile(pattern), text) for pattern, text in (
    (r"\x1b\[[0-9;?]*[A-Za-z]", ""), (r"\b[0-9a-f]{64}\b", "<id>"), (r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b", "<id>"),
    (r"BusyBox v\S+ \(.*\)", "BusyBox <version>"), (_TIME, "<time>"), (_SPAN + " ago", "<ago>"), (r"\bUp " + _SPAN, "Up <while>"),
    (r"\b\d[\d.]*[kMG]B\b", "<size>"), (r"(?m)[ \t]+$", ""), (r"(?m)(?<=\S) {2,}", "  "))]


class Step:
    """One command: how it is run, and what it is to show."""

    def __init__(self, line):
        self.tty = line.startswith("$tty ")
        self.lines = [line]
        self.expected = []

    @property
    def command(self):
        return "\n".join(self.lines).split(" ", 1)[1]


def parse(text):
    """The file as remarks (strings) and steps, in order."""
    parts = []
    for line in text.splitlines():
        step = parts[-1] if parts and isinstance(parts[-1], Step) else None
        if step and not step.expected and step.lines[-1].endswith("\\"):
            step.lines.append(line)
        elif line.startswith(("$ ", "$tty ")):
            parts.append(Step(line))
        elif step and not (line.startswith("# ") or not line):
            step.expected.append(line)
        else:
            parts.append(line)
    return parts


def shown(parts):
    return "".join("\n".join([*p.lines, *p.expected] if isinstance(p, Step) else [p]) + "\n" for p in parts)


def normal(text, replace=()):
    for word, name in replace:
        text = text.replace(word, name)
    for pattern, name in RULES:
        text = pattern.sub(name, text)
    return text


def _keys(text):
    """What is typed for a line of a transcript."""
    return re.sub(r"\^([A-Z])", lambda m: chr(ord(m[1]) - 64), text) + ("" if re.search(r"\^[A-Z]$", text) else "\n")


class Session:
    """A folder and an environment in which transcripts are played; a context manager."""

    def __init__(self, host, variables=None):
        self.host, self.variables = host, variables or {}
        self.folder = tempfile.TemporaryDirectory(prefix="cleat-transcript-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def _environment(self):
        return {**os.environ, "DOCKER_HOST": self.host, "HOME": self.folder.name, "LC_ALL": "C", "TERM": "dumb",
                "COLUMNS": "200", **self.variables}

    def _pipe(self, step):
        done = subprocess.run(["sh", "-c", step.command], cwd=self.folder.name, env=self._environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        return done.stdout.decode(errors="replace"), done.returncode

    def _terminal(self, step):
        typed = [line.removeprefix(PROMPT) for line in step.expected if line.startswith(PROMPT)]
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.folder.name)
            os.execvpe("sh", ["sh", "-c", step.command], self._environment())
        text, at = "", 0
        try:
            while True:
                assert select.select([fd], [], [], TIMEOUT_S)[0], f"{step.command}: nothing more behind {text!r}"
                try:
                    piece = os.read(fd, 65536)
                except OSError:  # the terminal's other end is closed
                    break
                if not piece:
                    break
                text += piece.decode(errors="replace")
                plain = RULES[0][0].sub("", text)
                if typed and plain.endswith(PROMPT) and len(plain) > at:
                    at = len(plain)
                    line = typed.pop(0)
                    os.write(fd, _keys(line).encode())
                    text += f"{line}\n" if "^" in line else ""
        finally:
            os.close(fd)
            _, status = os.waitpid(pid, 0)
        return text.replace("\r", ""), os.waitstatus_to_exitcode(status)

    def play(self, parts):
        """The same parts with what each step shows now."""
        replace = [(self.folder.name, "<folder>"), (self.host, "<host>"), *((value, f"<{name}>") for name, value in self.variables.items())]
        out = []
        for part in parts:
            if isinstance(part, Step):
                text, code = self._terminal(part) if part.tty else self._pipe(part)
                now = Step(part.lines[0])
                now.lines = part.lines
                now.expected = [line for line in normal(text, replace).splitlines() if line] + ([f"[{code}]"] if code else [])
                part = now
            out.append(part)
        return out


def main(host, *files):
    for name in files:
        file = pathlib.Path(name)
        with Session(host, {k: os.environ[k] for k in ("REGISTRY",) if k in os.environ}) as session:
            file.write_text(shown(session.play(parse(file.read_text(encoding="utf-8")))), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
