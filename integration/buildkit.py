# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles as text in tests, and what a build printed as steps."""
import contextlib
import json
import re
import sqlite3
import textwrap
from dataclasses import dataclass, field


def files(root, contents):
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def build(engine, context, text, *arguments, tag="built", check=True, **kw):
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(textwrap.dedent(text).lstrip("\n"))
    return engine.cleat("build", "-t", tag, *arguments, str(context), check=check, **kw)


def fails(engine, context, text, *arguments, message):
    r = build(engine, context, text, *arguments, tag="never", check=False)
    assert r.returncode == 1, r.stderr
    assert message in r.stderr.splitlines()[-1], r.stderr
    assert "never" not in engine.out("images")


def config(engine, image="built"):
    """The image's config document."""
    image_id = engine.out("images", "--no-trunc", "-q", image).strip()
    with contextlib.closing(sqlite3.connect(engine.state / "cleat.db")) as db:
        return json.loads(db.execute("SELECT config FROM images WHERE id = ?", (image_id,)).fetchone()[0])


def run(engine, *command, image="built"):
    return engine.cleat("run", "--rm", "--entrypoint", command[0], image, *command[1:]).stdout


@dataclass
class Step:
    title: str
    cached: bool = False
    output: list = field(default_factory=list)


def steps(result):
    """The steps of the Dockerfile, by what the build printed."""
    found = {}
    for line in result.stderr.splitlines():
        match = re.match(r"#(\d+) (.*)", line)
        if not match:
            continue
        number, rest = match.groups()
        if number not in found:
            found[number] = Step(rest)
        elif rest == "CACHED":
            found[number].cached = True
        elif (output := re.match(r"\d+\.\d{3} (.*)", rest)):
            found[number].output.append(output[1])
    return [s for s in found.values() if s.title.startswith("[") and not s.title.startswith("[internal]")]
