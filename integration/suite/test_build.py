# SPDX-License-Identifier: Apache-2.0
"""cleat build with real Dockerfiles on busybox: instructions, errors, cache, stages, here-documents, mounts,
ignore files. Hostile contexts, cancelling and crashes are in test_buildfaults.py."""
import contextlib
import gzip
import json
import datetime
import os
import pathlib
import pty
import subprocess
import tarfile

import harness
import pytest
from buildkit import build, config, fails, files, run, steps


pytestmark = pytest.mark.layer_drivers


@pytest.fixture(scope="module")
def shared(module_engine):
    return module_engine


# ---- instructions

def test_config_instructions(shared, tmp_path):
    build(shared, tmp_path, """
        FROM busybox
        ARG GREETING=hi
        ENV A=1 B="two words" C=$GREETING
        ENV OLD old form
        LABEL a.b=c "d e"='f g'
        EXPOSE 80 53/UDP 8000-8001/
        VOLUME /data
        VOLUME ["/more"]
        USER 1000:1000
        STOPSIGNAL SIGINT
        SHELL ["/bin/sh", "-ec"]
        HEALTHCHECK --interval=5s --retries=2 CMD echo ok
        ONBUILD RUN echo later
        MAINTAINER me
        ENTRYPOINT ["/bin/echo"]
        CMD word "two words"
        """)
    c = config(shared)
    assert c["config"]["Env"][-4:] == ["A=1", "B=two words", "C=hi", "OLD=old form"]
    assert c["config"]["Labels"] == {"a.b": "c", "d e": "f g"}
    assert sorted(c["config"]["ExposedPorts"]) == ["53/udp", "80/tcp", "8000/tcp", "8001/tcp"]
    assert sorted(c["config"]["Volumes"]) == ["/data", "/more"]
    assert (c["config"]["User"], c["config"]["StopSignal"]) == ("1000:1000", "SIGINT")
    assert c["config"]["Healthcheck"] == {"Test": ["CMD-SHELL", "echo ok"], "Interval": 5 * 10**9, "Retries": 2}
    assert c["config"]["OnBuild"] == ["RUN echo later"]
    assert c["config"]["Entrypoint"] == ["/bin/echo"]
    assert c["config"]["Cmd"] == ["/bin/sh", "-ec", 'word "two words"']
    assert c["author"] == "me"
    assert [h.get("empty_layer", False) for h in c["history"]][1:] == [True] * 15
    assert c["history"][2]["created_by"] == "ENV A=1 B=two words C=hi"


def test_run_forms(shared, tmp_path):
    build(shared, tmp_path, r"""
        FROM busybox
        RUN echo "shell $HOME" > /shell
        RUN ["/bin/sh", "-c", "echo exec > /exec"]
        RUN echo a && \
            # a comment in between

            echo b > /joined
        SHELL ["/bin/sh", "-c", "echo \"$0\" > /shelled"]
        RUN through the shell
        """)
    assert run(shared, "cat", "/shell", "/exec", "/joined", "/shelled").splitlines() == [
        "shell /root", "exec", "b", "through the shell"]


def test_heredocs_of_run(shared, tmp_path):
    r = build(shared, tmp_path, """
        FROM busybox
        ENV V=env
        RUN <<EOF
        echo one $V > /doc
        EOF
        RUN cat <<-A - > /two && cat <<'B' >> /two
        \ttabbed $V
        \tA
        $V
        B
        RUN <<S
        #!/bin/cat
        itself
        S
        COPY <<a.txt <<"b.txt" /copied/
        $V
        a.txt
        $V
        b.txt
        """)
    assert run(shared, "cat", "/doc") == "one env\n"
    assert run(shared, "cat", "/two") == "tabbed env\n$V\n"
    assert "itself" in r.stderr
    assert run(shared, "cat", "/copied/a.txt", "/copied/b.txt") == "env\n$V\n"


def test_workdir_user_and_environment(shared, tmp_path):
    build(shared, tmp_path, """
        FROM busybox
        USER 1234
        WORKDIR /made/by
        WORKDIR user
        RUN pwd > where; id -u > who; touch new
        """)
    assert run(shared, "cat", "/made/by/user/where", "/made/by/user/who") == "/made/by/user\n1234\n"
    assert run(shared, "stat", "-c", "%u %a", "/made/by/user") == "1234 755\n"
    assert config(shared)["config"]["WorkingDir"] == "/made/by/user"


def test_copy(shared, tmp_path):
    files(tmp_path, {"a": "A", "b": "B", "d/x": "X", "d/sub/y": "Y", "w1.txt": "1", "w2.txt": "2", "sp ace": "s"})
    (tmp_path / "a").chmod(0o640)
    os.symlink("a", tmp_path / "link")
    os.symlink("x", tmp_path / "d/inner")
    build(shared, tmp_path, """
        FROM busybox
        RUN mkdir /real && ln -s /real /alias
        COPY a /f
        COPY a b /two/
        COPY d /dir
        COPY d/ /into/
        COPY *.txt /w/
        COPY ["sp ace", "/with space"]
        COPY link /followed
        COPY a /alias
        COPY --chown=7:8 --chmod=0600 a /owned
        COPY --chown=root d/x /byname
        WORKDIR /work
        COPY a rel
        COPY . /all
        """)
    assert run(shared, "sh", "-c", "cat /f /two/a /two/b /dir/x /dir/sub/y /into/x /w/w1.txt /w/w2.txt") == "AABXYX12"
    assert run(shared, "cat", "/with space", "/followed", "/real/a", "/work/rel", "/all/d/sub/y") == "sAAAY"
    assert run(shared, "stat", "-c", "%a %u:%g", "/f", "/owned", "/byname").split("\n")[:3] == [
        "640 0:0", "600 7:8", "644 0:0"]
    assert run(shared, "readlink", "/dir/inner") == "x\n"
    assert run(shared, "sh", "-c", "test -L /followed || echo file") == "file\n"


def test_symbolic_modes(shared, tmp_path):
    files(tmp_path, {"d/plain": "p", "d/tool": "t"})
    (tmp_path / "d").chmod(0o700)
    (tmp_path / "d/plain").chmod(0o640)
    (tmp_path / "d/tool").chmod(0o750)
    os.symlink("tool", tmp_path / "d/link")
    text = """
        FROM busybox
        ARG MODE=go=rX
        COPY --chmod=$MODE d /read
        COPY --chmod=u+x,o-rwx d/plain /run
        ADD --chmod=a=u d/tool /same
        """
    build(shared, tmp_path, text)
    assert run(shared, "stat", "-c", "%a", "/read", "/read/plain", "/read/tool", "/run", "/same").split() == [
        "755", "644", "755", "740", "777"]
    assert run(shared, "readlink", "/read/link") == "tool\n"
    assert build(shared, tmp_path, text).stderr.count("CACHED") == 3
    (tmp_path / "d/tool").chmod(0o700)
    assert build(shared, tmp_path, text).stderr.count("CACHED") == 3, "what comes of it is the same"
    (tmp_path / "d/plain").chmod(0o600)
    assert build(shared, tmp_path, text).stderr.count("CACHED") == 1


def test_copy_flags(shared, tmp_path):
    files(tmp_path, {"p/q/r.c": "r", "p/q/r.o": "o", "p/s.c": "s"})
    build(shared, tmp_path, """
        FROM busybox
        COPY --exclude=**/*.o p /plain
        COPY --parents p/q/*.c /kept/
        COPY --parents p/./q/r.c /pivot/
        COPY --link p/s.c /linked/
        """)
    assert run(shared, "sh", "-c", "cd /; find plain kept pivot linked -type f | sort").split() == [
        "kept/p/q/r.c", "linked/s.c", "pivot/q/r.c", "plain/q/r.c", "plain/s.c"]


def test_add_unpacks_archives(shared, tmp_path):
    files(tmp_path, {"in/one": "1", "plain": "p"})
    for suffix, mode in (("tar", "w"), ("tar.gz", "w:gz"), ("tar.xz", "w:xz"), ("tar.bz2", "w:bz2")):
        with tarfile.open(tmp_path / f"x.{suffix}", mode) as tar:
            tar.add(tmp_path / "in/one", arcname=f"top/{suffix}")
    build(shared, tmp_path, """
        FROM busybox
        ADD x.tar x.tar.gz x.tar.xz x.tar.bz2 /unpacked/
        ADD plain /plain
        COPY x.tar /kept.tar
        """)
    assert run(shared, "sh", "-c", "cd /unpacked/top; cat tar tar.gz tar.xz tar.bz2 /plain") == "1111p"
    assert run(shared, "tar", "tf", "/kept.tar") == "top/tar\n"


def test_add_copies_what_is_no_archive(shared, tmp_path):
    """A dump for a database's first start, say."""
    packed = gzip.compress(b"SELECT 1;" * 100)
    (tmp_path / "dump.sql.gz").write_bytes(packed)
    (tmp_path / "empty.tar.gz").write_bytes(b"")
    (tmp_path / "BZhang.txt").write_text("BZhang")
    build(shared, tmp_path, """
        FROM busybox
        ADD dump.sql.gz /dump
        ADD dump.sql.gz empty.tar.gz BZhang.txt /in/
        """)
    assert shared.cleat("run", "--rm", "built", "cat", "/dump", "/in/dump.sql.gz", "/in/empty.tar.gz",
                        text=False).stdout == packed * 2
    assert run(shared, "cat", "/in/BZhang.txt") == "BZhang"


def test_deleted_and_replaced_files(shared, tmp_path):
    build(shared, tmp_path, """
        FROM busybox
        RUN mkdir -p /d/e && echo 1 > /d/f && echo 2 > /d/e/g
        RUN rm /d/f && rm -r /d/e && mkdir /d/e && echo new > /d/e/h
        """)
    assert run(shared, "find", "/d").split() == ["/d", "/d/e", "/d/e/h"]


def test_scratch(shared, tmp_path):
    files(tmp_path, {"f": "x"})
    build(shared, tmp_path, "FROM scratch\nCOPY f /f\nCMD [\"/f\"]\n")
    c = config(shared)
    assert len(c["rootfs"]["diff_ids"]) == 1
    assert c["config"]["Cmd"] == ["/f"]


def test_onbuild(shared, tmp_path):
    files(tmp_path, {"f": "x"})
    build(shared, tmp_path, "FROM busybox\nONBUILD COPY f /f\nONBUILD RUN cat /f > /g\n", tag="parent")
    build(shared, tmp_path, "FROM parent\nRUN cat /g > /h\n")
    assert run(shared, "cat", "/h") == "x"
    assert "OnBuild" not in config(shared)["config"]


@pytest.mark.parametrize("other", ["", "# escape=`\n"])
def test_onbuild_means_what_it_meant_where_it_stood(shared, tmp_path, other):
    text = r"ONBUILD ENV A=a\b C=`$C" + "\nONBUILD RUN echo 'x\\y' > /g\n"
    build(shared, tmp_path, "# escape=`\nFROM busybox\n" + text, tag="parent")
    build(shared, tmp_path, other + "FROM parent\n")
    assert "A=a\\b" in config(shared)["config"]["Env"] and "C=$C" in config(shared)["config"]["Env"]
    build(shared, tmp_path, "FROM busybox\n" + text, tag="parent")
    build(shared, tmp_path, other + "FROM parent\n")
    assert "A=ab" in config(shared)["config"]["Env"] and "C=`" in config(shared)["config"]["Env"]


def test_dates(shared, tmp_path):
    """An image of settings alone is as new as any other; what the cache has keeps its date, and nothing is its base."""
    begin = datetime.datetime.now(datetime.timezone.utc)

    def made(text, *arguments):
        build(shared, tmp_path, text, *arguments)
        c = config(shared)
        assert all("created" in step for step in c["history"])
        return datetime.datetime.fromisoformat(c["created"][:26].rstrip("Z").ljust(26, "0") + "+00:00")

    text = f"FROM busybox\nENV A={os.urandom(4).hex()}\n"
    first = made(text)
    assert first > begin
    assert made(text) == first
    again = made(text, "--no-cache")
    assert again > first
    assert made(text) == again
    assert made(text, "--label", "a=b") > again
    both = f"FROM busybox\nRUN echo {os.urandom(4).hex()} > /a\n"
    layer = made(both)
    assert made(both) == layer
    shared.out("builder", "prune", "-f")
    assert made(both) == layer
    assert made(both + "CMD [\"x\"]\n") > layer
    build(shared, tmp_path, "FROM busybox\n")
    assert config(shared)["created"] == config(shared, "busybox")["created"]


# ---- stages

MULTI = """
    ARG BASE=busybox
    FROM $BASE AS one
    RUN echo 1 > /one
    FROM ${BASE} AS two
    RUN echo 2 > /two
    FROM one AS three
    COPY --from=two /two /
    RUN cat /one /two > /both
    FROM busybox AS unused
    RUN exit 1
    FROM three
    COPY --from=0 /one /again
    """


def test_stages(shared, tmp_path):
    r = build(shared, tmp_path, MULTI)
    assert run(shared, "cat", "/both", "/again") == "1\n2\n1\n"
    assert "unused" not in r.stderr
    build(shared, tmp_path, MULTI, "--target", "one")
    assert run(shared, "ls", "/one") == "/one\n"
    fails(shared, tmp_path, MULTI, "--target", "none", message='target stage "none" could not be found')
    fails(shared, tmp_path, MULTI, "--target", "UNUSED", message="returned a non-zero code: 1")


def test_copy_from_image(shared, tmp_path):
    build(shared, tmp_path, "FROM scratch\nCOPY --from=busybox /bin/busybox /bin/sh\nCMD [\"/bin/sh\"]\n")
    fails(shared, tmp_path, "FROM scratch\nCOPY --from=127.0.0.1:1/nothing / /\n", message="127.0.0.1:1")


# ---- arguments

def test_build_args(shared, tmp_path):
    text = """
        ARG HEAD=top
        FROM busybox
        ARG HEAD
        ARG WITH=default
        ARG WITHOUT
        RUN echo "$HEAD $WITH $WITHOUT $UNDECLARED $HTTP_PROXY $TARGETARCH" > /args
        """
    r = build(shared, tmp_path, text, "--build-arg", "WITHOUT=given", "--build-arg", "UNDECLARED=x",
              "--build-arg", "HTTP_PROXY=p")
    assert run(shared, "cat", "/args") == "top default given  p \n"
    assert "[Warning] One or more build-args [UNDECLARED] were not consumed" in r.stderr
    assert "HTTP_PROXY=" not in json.dumps(config(shared))
    env = {**os.environ, "WITH": "mine"}
    build(shared, tmp_path, text, "--build-arg", "WITH", env=env)
    assert run(shared, "cat", "/args") == "top mine    \n"


def test_stages_inherit_arguments(shared, tmp_path):
    build(shared, tmp_path, """
        FROM busybox AS one
        ARG A=default
        ARG B
        FROM one AS two
        ARG A=own
        FROM one
        ENV C=$A$B
        RUN echo "$A$B" > /args
        """, "--build-arg", "B=given")
    assert run(shared, "sh", "-c", "cat /args; echo $C") == "defaultgiven\n" * 2


def test_labels_and_tags(shared, tmp_path):
    iid = tmp_path / "iid"
    build(shared, tmp_path, "FROM busybox\nLABEL a=1\n", "--label", "b=2", "--label", "a=3", "-t", "second:tag",
          "--iidfile", str(iid))
    c = config(shared, "second:tag")
    assert c["config"]["Labels"] == {"a": "3", "b": "2"}
    assert shared.out("images", "--no-trunc", "-q", "second:tag").strip() == iid.read_text()
    q = build(shared, tmp_path, "FROM busybox\nRUN echo loud\n", "-q")
    assert q.stdout.startswith("sha256:") and q.stderr == ""


# ---- errors

@pytest.mark.parametrize("text,message", [
    ("FROM busybox\n\nFOO x\n", "dockerfile parse error on line 3: unknown instruction: FOO"),
    ("RUN x\n", "dockerfile parse error on line 1: no build stage in current context"),
    ("", "the Dockerfile cannot be empty"),
    ("# only a comment\n", "file with no instructions"),
    ("FROM busybox\nCOPY a\n", "line 2: COPY requires at least two arguments"),
    ("FROM busybox\nRUN <<E\nx\n", "line 2: unterminated heredoc E"),
    ("FROM 127.0.0.1:1/nothing:here\n", "127.0.0.1:1"),
    ("FROM busybox\nRUN exit 3\n", "The command '/bin/sh -c exit 3' returned a non-zero code: 3"),
    ("FROM busybox\nRUN [\"/no/such\"]\n", "/no/such"),
    ("FROM busybox\nCOPY gone /\n", "cleat: COPY failed: file not found in build context or excluded by .dockerignore: "
     "stat gone: file does not exist"),
    ("FROM busybox\nADD gone /\n", "cleat: ADD failed: file not found in build context or excluded by .dockerignore: "
     "stat gone: file does not exist"),
    ("FROM busybox\nCOPY ../gone /\n", "stat ../gone: file does not exist"),
    ("FROM busybox\nCOPY no*match /\n", "no source files were specified"),
    ("FROM busybox\nCOPY Dockerfile Dockerfile /x\n", "the destination must be a directory and end with a /"),
    ("FROM busybox\nCOPY --chown=nobody Dockerfile /\n", "unable to find user nobody"),
    ("FROM busybox\nCOPY --chmod=999 Dockerfile /\n", "invalid chmod parameter"),
    ("FROM busybox\nCOPY Dockerfile /bin/sh/x\n", "no directory"),
    ("FROM busybox\nCOPY Dockerfile /tmp2/\nCOPY . /tmp2/Dockerfile\n", "cannot copy to non-directory"),
    ("FROM busybox\nENV A=${B:?not set}\n", "Syntax error - can't find ="),
    ("FROM busybox\nENV A=${B:?unset}\n", "B: unset"),
    ("FROM busybox\nRUN echo a > /a.txt; echo b > /b.txt\nFROM busybox\nCOPY --from=0 /*.txt /x\n",
     "When using COPY with more than one source file, the destination must be a directory"),
    ("FROM busybox\nCOPY --from=5 /x /y\n", "line 2: invalid stage index 5"),
    ("FROM busybox AS me\nCOPY --from=Me /x /y\n", "line 2: circular dependency detected on stage: me"),
    ("FROM busybox\n\nEXPOSE 0\n", "line 3: EXPOSE: invalid containerPort: 0"),
    ("FROM busybox\nENV A=\"x\n", "line 2: ENV: unexpected end of statement"),
    ("FROM busybox\nUSER ghost\nRUN id\n", "ghost"),
    ("FROM busybox\nRUN --mount=type=secret,id=x,required true\n", "secret x: not found"),
    ("FROM busybox\nRUN --security=insecure true\n", "not supported"),
    ("FROM busybox\nADD http://127.0.0.1:1/x /\n", "http://127.0.0.1:1/x"),
])
def test_errors(shared, tmp_path, text, message):
    before = shared.out("images", "-aq")
    fails(shared, tmp_path, text, message=message)
    assert shared.out("images", "-aq") == before
    assert shared.out("ps", "-aq").split() == [shared.out("ps", "-aq", "-f", "name=one").strip()]


def test_text_that_is_no_utf8(shared, tmp_path):
    dockerfile = tmp_path / "Dockerfile"
    for line in (b"RUN echo caf\xe9", b"LABEL a=\xe9", b"RUN <<E\n\xe9\nE"):
        dockerfile.write_bytes(b"# Jos\xe9\nFROM busybox\n" + line + b"\n")
        r = shared.cleat("build", str(tmp_path), check=False)
        assert r.returncode == 1
        assert r.stderr.splitlines()[-1] == "cleat: dockerfile parse error on line 3: the text is not UTF-8"
    dockerfile.write_bytes(b"FROM busybox\nCOPY <<E /f\n\xe9\nE\n")
    shared.cleat("build", "-t", "built", str(tmp_path))
    assert shared.cleat("run", "--rm", "built", "cat", "/f", text=False).stdout == b"\xe9\n"


@pytest.mark.parametrize("platform,message", [
    ("foo", 'platform "foo": unknown operating system or architecture'),
    ("s390x", "library/busybox/manifests"),  # not the image of another platform that is here, but a pull
])
def test_platforms_of_one_word(shared, tmp_path, platform, message):
    fails(shared, tmp_path, "FROM busybox\n", "--platform", platform, message=message)
    build(shared, tmp_path, "FROM busybox\nARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM > /f\n", "--platform", "linux")
    target = run(shared, "cat", "/f").strip()
    assert target.startswith("linux/")
    build(shared, tmp_path, f"FROM --platform={target.removeprefix('linux/')} busybox\n")


def test_titles_and_errors_are_cut_between_characters(shared, tmp_path):
    for shift in range(3):
        text = f"FROM busybox\nRUN exit 1 #{'x' * shift}{'ä日' * 200}\n"
        fails(shared, tmp_path, text, message="The command '/bin/sh -c exit 1")  # its output is read as UTF-8


def test_no_stale_iidfile(shared, tmp_path):
    iid = tmp_path / "iid"
    iid.write_text("of an earlier build")
    fails(shared, tmp_path, "FROM busybox\nRUN exit 1\n", "--iidfile", str(iid), message="returned a non-zero code: 1")
    assert not iid.exists()


@pytest.mark.parametrize("arguments,message", [
    (["-f", "none"], "unable to evaluate symlinks in Dockerfile path"),
    (["-t", "BAD"], "invalid reference format"),
    (["--timestamp", "x"], "--timestamp"),
    (["--timestamp", "9223372037"], "--timestamp"),
    (["--progress", "loud"], "invalid progress mode loud"),
    (["--secret", "id=x,src=/no/such"], "secret x"),
    (["--secret", "id=x,env=NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
])
def test_wrong_flags(shared, tmp_path, arguments, message):
    fails(shared, tmp_path, "FROM busybox\n", *arguments, message=message)


def test_wrong_contexts(shared, tmp_path):
    r = shared.cleat("build", str(tmp_path / "gone"), check=False)
    assert (r.returncode, "not found" in r.stderr) == (1, True)
    r = shared.cleat("build", "-f", "-", "-", check=False, input="")
    assert "can't use stdin for both build context and dockerfile" in r.stderr


# ---- cache

def test_cache_hits_and_misses(shared, tmp_path):
    files(tmp_path, {"d/f": "one", "other": "x"})
    os.symlink("f", tmp_path / "d/l")
    text = """
        FROM busybox
        ARG CACHE_ARG=1
        COPY d /d
        RUN echo $CACHE_ARG $RANDOM > /r
        """

    def cached(*arguments):
        return [s.cached for s in steps(build(shared, tmp_path, text, *arguments))[1:]]

    assert cached() == [False, False]
    first = shared.out("images", "-q", "--no-trunc", "built")
    assert cached() == [True, True]
    assert shared.out("images", "-q", "--no-trunc", "built") == first
    os.utime(tmp_path / "d/f", (1, 1))
    assert cached() == [True, True]
    (tmp_path / "other").write_text("changed, and not copied")
    assert cached() == [True, True]
    assert cached("--build-arg", "CACHE_ARG=2") == [True, False]
    assert cached("--no-cache") == [False, False]
    (tmp_path / "d/f").chmod(0o600)
    assert cached() == [False, False]
    (tmp_path / "d/l").unlink()
    os.symlink("elsewhere", tmp_path / "d/l")
    assert cached() == [False, False]
    (tmp_path / "d/f").write_text("two")
    assert cached() == [False, False]
    (tmp_path / "d/f").rename(tmp_path / "d/g")
    assert cached() == [False, False]
    assert cached() == [True, True]


def test_cache_knows_owner_and_place(shared, tmp_path):
    def second(first, then):
        build(shared, tmp_path, f"FROM busybox\nCOPY {first}\n")
        return steps(build(shared, tmp_path, f"FROM busybox\nCOPY {then}\n"))[1].cached

    files(tmp_path, {"f": os.urandom(8).hex()})
    assert second("f /a", "f /a")
    assert not second("f /a", "f /b")
    assert not second("f /a", "--chown=5 f /a")
    assert not second("f /a", "--chmod=700 f /a")
    build(shared, tmp_path, "FROM busybox\nENV U=1\nCOPY f /a\nLABEL x=y\nRUN cat /a\n")
    again = steps(build(shared, tmp_path, "FROM busybox\nLABEL x=z\nCOPY f /a\nENV V=2\nRUN cat /a\n"))
    assert [s.cached for s in again[1:]] == [True, False]


def test_failed_builds_leave_their_cache(shared, tmp_path):
    text = f"FROM busybox\nRUN echo {os.urandom(4).hex()} > /a\nRUN test -e /a && exit $CODE\n"
    fails(shared, tmp_path, "FROM busybox\nARG CODE=4\n" + text.split("\n", 1)[1], message="code: 4")
    again = steps(build(shared, tmp_path, "FROM busybox\nARG CODE=0\n" + text.split("\n", 1)[1], check=False))
    assert again[1].cached is False  # the argument is part of its environment
    fails(shared, tmp_path, text.replace("$CODE", "5"), message="code: 5")
    assert steps(build(shared, tmp_path, text.replace("$CODE", "0")))[1].cached


def test_builder_prune(busybox, tmp_path):
    text = "FROM busybox\nRUN head -c 100000 /dev/zero > /big\n"
    build(busybox, tmp_path, text)
    assert "reclaimed" not in busybox.out("builder", "prune", input="n\n")
    assert "Total reclaimed space: 0B" in busybox.out("builder", "prune", "-f")
    assert steps(build(busybox, tmp_path, text))[1].cached
    busybox.cleat("rmi", "built")
    assert steps(build(busybox, tmp_path, text))[1].cached
    busybox.cleat("rmi", "built")
    assert "Total reclaimed space: 100kB" in busybox.out("builder", "prune", "-f")
    assert not steps(build(busybox, tmp_path, text))[1].cached


def test_builder_prune_keeps_what_was_used_last(busybox, tmp_path):
    def pruned(*args):
        return busybox.out("builder", "prune", "-f", *args)

    text = "FROM busybox\nRUN head -c 100000 /dev/zero > /first\nRUN head -c 300000 /dev/zero > /second\n"
    build(busybox, tmp_path, text)
    assert "space: 0B" in pruned("--keep-storage", "1b")  # an image has them
    busybox.cleat("rmi", "built")
    assert "space: 0B" in pruned("--filter", "until=0")
    assert "space: 0B" in pruned("--filter", "until=1960-01-01T00:00:00Z")
    assert "space: 0B" in pruned("--keep-storage", "1g")
    assert "space: 0B" in pruned("--keep-storage", "1b", "--filter", "until=1h")
    assert "Deleted build cache objects:" in (out := pruned("--keep-storage", "310000")) and "space: 100kB" in out
    assert "space: 300kB" in pruned("--keep-storage", "1b")
    for flags in ("-f", "-a"):  # also before one is asked
        done = busybox.cleat("builder", "prune", flags, "--keep-storage", "much", check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and done.stdout == "" and "is no size" in done.stderr
    done = busybox.cleat("builder", "prune", "--filter", "much", check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and done.stdout == "" and "expected key=value" in done.stderr


def test_usage_and_system_prune(busybox, tmp_path):
    def row():
        lines = busybox.out("system", "df", "--format", "{{json .}}").splitlines()
        return next(json.loads(line) for line in lines if json.loads(line)["Type"] == "Build Cache")

    text = "FROM busybox\nRUN head -c 100000 /dev/zero > /big\n"
    build(busybox, tmp_path, text)
    assert (row()["TotalCount"], row()["Active"], row()["Size"], row()["Reclaimable"][:2]) == ("1", "1", "100kB", "0B")
    busybox.cleat("rmi", "built")
    assert (row()["Active"], row()["Reclaimable"][:5]) == ("0", "100kB")
    out = busybox.out("system", "prune", "-f")
    assert "Deleted build cache objects:" in out and "Total reclaimed space: 100kB" in out
    assert row()["TotalCount"] == "0"


def test_many_layers(shared, tmp_path):
    """More than one option of a mount has room for, on kernels that take them so: written to, and read."""
    names = sorted(f"f{i}" for i in range(20))
    files(tmp_path, {name: f"{name}\n" for name in names})
    copies = "".join(f"COPY {name} /all/\n" for name in names)
    build(shared, tmp_path, f"FROM busybox AS many\n{copies}FROM busybox\nCOPY --from=many /all /all\n")
    assert run(shared, "sh", "-c", "cat /all/*").split() == names


# ---- mounts

def test_mount_cache(shared, tmp_path):
    name = os.urandom(4).hex()
    text = f"FROM busybox\nARG N\nRUN --mount=type=cache,id={name},target=/c,mode=0711 echo $N >> /c/log; " \
        "cat /c/log; stat -c %a /c\n"
    build(shared, tmp_path, text, "--build-arg", "N=1")
    r = build(shared, tmp_path, text, "--build-arg", "N=2")
    assert steps(r)[-1].output == ["1", "2", "711"]
    assert run(shared, "sh", "-c", "test -e /c && echo there || echo no") == "no\n"


def test_mount_bind_tmpfs_secret(shared, tmp_path):
    files(tmp_path, {"src/f": "from context"})
    (tmp_path.parent / "secret").write_text("hidden value")
    text = """
        FROM busybox AS other
        RUN mkdir /o && echo from stage > /o/f
        FROM busybox
        RUN --mount=target=/ctx cat /ctx/src/f > /1 && ! touch /ctx/x
        RUN --mount=source=src,target=/s,rw touch /s/new && ls /s > /2
        RUN --mount=from=other,source=/o,target=/deep/er cat /deep/er/f > /3
        RUN --mount=type=tmpfs,target=/t,size=1m touch /t/x && df /t | tail -1 | cut -c1-5 > /4
        RUN --mount=type=secret,id=s --mount=type=secret,id=s,target=/own,mode=0444 \\
            --mount=type=secret,id=s,env=ENVIRONMENT cat /run/secrets/s /own | wc -c > /5; \\
            echo ${#ENVIRONMENT} >> /5; stat -c %a /run/secrets/s /own >> /5
        RUN --mount=type=secret,id=absent ls /run/secrets/absent 2>&1 | grep -c 'No such' > /6
        """
    build(shared, tmp_path, text, "--secret", f"id=s,src={tmp_path.parent}/secret")
    assert run(shared, "cat", "/1") == "from context"
    assert run(shared, "cat", "/2", "/3", "/4", "/5", "/6").split() == [
        "f", "new", "from", "stage", "tmpfs", "24", "12", "400", "444", "1"]
    assert not (tmp_path / "src/new").exists()
    assert run(shared, "sh", "-c", "ls -d /ctx /s /deep /t /own /run/secrets 2>/dev/null | wc -l") == "0\n"
    layers = shared.out("history", "--no-trunc", "built") + json.dumps(config(shared))
    assert "hidden value" not in layers
    # layers of tests before may go meanwhile
    assert subprocess.run(["grep", "-rlF", "hidden value", shared.state / "layers"], capture_output=True, check=False).stdout == b""


def test_run_network(shared, tmp_path):
    r = build(shared, tmp_path, "FROM busybox\nRUN --network=none ls /sys/class/net\n"
              "RUN --network=host ls /sys/class/net | wc -l\n")
    assert "lo" in r.stderr
    fails(shared, tmp_path, "FROM busybox\nRUN --network=other true\n", message="invalid network mode: other")


# ---- contexts

def test_ignore_files(shared, tmp_path):
    files(tmp_path, {"a.txt": "", "b.md": "", "keep.md": "", "d/x": "", "d/y": "", "deep/er/z.o": "", ".hidden": "",
                     ".dockerignore": "*.md\n!keep.md\nd\n!d/y\n**/*.o\n# comment\n"})
    build(shared, tmp_path, "FROM busybox\nCOPY . /c\n")
    assert run(shared, "sh", "-c", "cd /c; find . -type f | sort").split() == [
        "./.dockerignore", "./.hidden", "./Dockerfile", "./a.txt", "./d/y", "./keep.md"]
    files(tmp_path, {"Dockerfile.dockerignore": "*\n!a.txt\n"})
    build(shared, tmp_path, "FROM busybox\nCOPY . /c\n")
    assert run(shared, "find", "/c", "-type", "f") == "/c/a.txt\n"


def test_dockerfile_from_elsewhere(shared, tmp_path):
    context = tmp_path / "context"
    files(context, {"f": "x", "sub/Other": "FROM busybox\nCOPY f /other\n"})
    files(tmp_path, {"Outside": "FROM busybox\nCOPY f /outside\n"})
    shared.cleat("build", "-t", "built", "-f", str(tmp_path / "Outside"), str(context))
    assert run(shared, "cat", "/outside") == "x"
    shared.cleat("build", "-t", "built", "-f", "sub/Other", str(context))
    assert run(shared, "cat", "/other") == "x"
    shared.cleat("build", "-t", "built", "-f", "-", str(context), input="FROM busybox\nCOPY f /stdin\n")
    assert run(shared, "cat", "/stdin") == "x"


def test_contexts_on_stdin(shared, tmp_path):
    shared.cleat("build", "-t", "built", "-", input="FROM busybox\nRUN echo alone > /alone\n")
    assert run(shared, "cat", "/alone") == "alone\n"
    r = shared.cleat("build", "-", input="FROM busybox\nCOPY x /\n", check=False)
    assert "file does not exist" in r.stderr
    files(tmp_path, {"in/Dockerfile": "FROM busybox\nCOPY f /f\n", "in/f": "tarred", "in/Two": "FROM busybox\nCOPY f /g\n"})
    for flag in ("", "z", "J"):
        data = subprocess.run(["tar", f"c{flag}", "-C", tmp_path / "in", "."], check=True, capture_output=True).stdout
        shared.cleat("build", "-t", "built", "-", text=False, input=data)
        assert run(shared, "cat", "/f") == "tarred"
    shared.cleat("build", "-t", "built", "-f", "Two", "-", text=False, input=data)
    assert run(shared, "cat", "/g") == "tarred"


def test_ignore_file_of_a_tar(shared, tmp_path):
    files(tmp_path, {"Dockerfile": "FROM busybox\nCOPY . /c\n", ".dockerignore": "*\n!d/keep\n", "a": "", "d/keep": "",
                     "d/drop": "", "e/f": ""})
    data = subprocess.run(["tar", "c", "-C", tmp_path, "."], check=True, capture_output=True).stdout
    shared.cleat("build", "-t", "built", "-", text=False, input=data)
    assert run(shared, "find", "/c").split() == ["/c", "/c/d", "/c/d/keep"]


# ---- the result

def test_reproducible(tmp_path):
    """Under each driver, at another time, from a context whose files have other times and came in another order."""
    text = """
        FROM busybox AS tools
        RUN for i in 9 3 7 1; do echo $i > /t$i; done; mkfifo /pipe; ln -s t9 /link; chmod 4711 /t3
        FROM busybox
        WORKDIR /w
        COPY f d /c/
        RUN mkdir /r && echo x > /r/x && ln /r/x /r/y && rm /etc/group && touch /w/now
        RUN touch -d @$(($(date +%s) + 1000)) /w/later; touch -d @999 /w/old; touch -h -d @2000000000 /w/no 2>/dev/null; true
        RUN rm -r /c && mkdir /c && echo new > /c/f && chown 7:8 /c/f && truncate -s 1M /w/holes
        COPY --from=tools /t* /pipe /link /tools/
        RUN --mount=type=tmpfs,target=/tmp/x date > /tmp/x/f
        RUN true
        ENV A=b
        """
    ids, layers = [], []
    for i, driver in enumerate(("", "dir", "")):
        with harness.Engine(config={"layer-driver": driver}) as e:
            e.load_busybox()
            context = tmp_path / f"c{i}"
            made = {"f": "1", "d/g": "2", "d/h": "3"}
            files(context, dict(sorted(made.items(), reverse=i % 2 == 1)))
            os.utime(context / "f", (1700000000 + i, 10**9 + i))
            r = build(e, context, text, "--timestamp", "1000000000", "-q")
            ids.append(r.stdout)
            layers.append(config(e)["rootfs"]["diff_ids"])
            assert config(e)["created"] == "2001-09-09T01:46:40Z"
            assert run(e, "stat", "-c", "%Y", "/w/now", "/w/later", "/r", "/w/old").split() == ["1000000000"] * 3 + ["999"]
            build(e, context, "FROM busybox\nRUN echo x > /x\n", "--timestamp", "0")
            assert config(e)["created"] == "1970-01-01T00:00:00Z"
            assert run(e, "stat", "-c", "%Y", "/x") == "0\n"
    assert layers[0] == layers[1] == layers[2]
    assert ids[0] == ids[1] == ids[2]


def test_image_runs_elsewhere(shared, tmp_path):
    """What was built, saved by nobody but its files: its layers are what its config says."""
    build(shared, tmp_path, "FROM busybox\nRUN echo x > /x\n")
    c = config(shared)
    layers = {p.name for p in pathlib.Path(shared.state, "layers").iterdir()}
    assert {d.split(":")[1] for d in c["rootfs"]["diff_ids"]} <= layers
    assert len([h for h in c["history"] if not h.get("empty_layer")]) == len(c["rootfs"]["diff_ids"])


def test_progress(shared, tmp_path):
    word = os.urandom(4).hex()
    r = build(shared, tmp_path, f"FROM busybox\nRUN echo {word}; echo err >&2; printf end\n",
              "--progress", "plain")
    first, second = steps(r)
    assert (first.title, second.title[:10]) == ("[1/2] FROM busybox", "[2/2] RUN ")
    assert sorted(second.output) == sorted([word, "end", "err"])  # of two streams, which have no order
    assert "writing image sha256:" in r.stderr and "naming to docker.io/library/built:latest done" in r.stderr


def test_independent_stages_run_together(shared, tmp_path):
    """Two that each wait for the other's cache file to appear can only end together."""
    name = os.urandom(4).hex()
    wait = "i=0; until test -e /c/{other}; do i=$((i+1)); test $i -lt 300 || exit 9; sleep 0.1; done"
    mount = f"--mount=type=cache,id={name},target=/c"
    build(shared, tmp_path, f"""
        FROM busybox AS a
        RUN {mount} touch /c/a; {wait.format(other="b")}; echo a > /a
        FROM busybox AS b
        RUN {mount} touch /c/b; {wait.format(other="a")}; echo b > /b
        FROM busybox
        COPY --from=a /a /
        COPY --from=b /b /
        """)
    assert run(shared, "cat", "/a", "/b") == "a\nb\n"


def test_a_failed_stage_ends_the_others(shared, tmp_path):
    fails(shared, tmp_path, """
        FROM busybox AS a
        RUN sleep 1000
        FROM busybox AS b
        RUN sleep 0.3; exit 7
        FROM a
        COPY --from=b / /b
        """, message="returned a non-zero code: 7")
    assert shared.shims() == [] or shared.out("ps", "-q") == ""


def on_terminal(engine, *arguments):
    master, slave = pty.openpty()
    child = engine.popen(*arguments, stderr=slave, stdout=subprocess.DEVNULL)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(master, 65536):
            shown += part
    os.close(master)
    return child.wait(), shown.decode()


def test_progress_on_a_terminal(shared, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN echo {os.urandom(4).hex()} quiet\nRUN exit 0\n")
    code, shown = on_terminal(shared, "build", "-t", "built", str(tmp_path))
    assert code == 0 and " => [1/3] FROM busybox" in shown and "naming to docker.io/library/built:latest" in shown
    code, shown = on_terminal(shared, "build", str(tmp_path))
    assert " => CACHED [2/3] RUN echo" in shown
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo the reason; exit 1\n")
    code, shown = on_terminal(shared, "build", str(tmp_path))
    assert code == 1 and " !! [2/2] RUN echo the reason" in shown and "\nthe reason\r\n" in shown
    code, shown = on_terminal(shared, "build", "--progress", "plain", str(tmp_path))
    assert "#3 ERROR" in shown and "\x1b[" not in shown


def test_a_locked_cache_is_one_builds_at_a_time(shared, tmp_path):
    """Two RUNs that would see each other's half-done work if both had the cache."""
    mount = f"--mount=type=cache,id={os.urandom(4).hex()},target=/c,sharing=locked"
    step = f"RUN {mount} test ! -e /c/busy && touch /c/busy && sleep 0.4 && rm /c/busy"
    build(shared, tmp_path, f"""
        FROM busybox AS a
        {step} # a
        FROM busybox AS b
        {step} # b
        FROM busybox
        COPY --from=a /etc /a
        COPY --from=b /etc /b
        """)


# ---- Docker's flags

@pytest.mark.parametrize("command", [["build"], ["image", "build"], ["builder", "build"]])
def test_flags_of_dockers_builder(shared, tmp_path, command):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN grep Cpus_allowed_list /proc/self/status\n")
    done = shared.cleat(*command, "--compress", "--rm", "--force-rm", "--disable-content-trust=true", "--isolation", "default",
                        "--cgroup-parent", "", "-m", "64m", "--memory-swap", "-1", "--cpu-period", "100000", "--cpu-quota",
                        "50000", "-c", "512", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--no-cache", tmp_path)
    assert "Cpus_allowed_list:\t0" in done.stderr


@pytest.mark.parametrize("flags,told", [
    (["-m", "x"], "memory"), (["--memory-swap", "x"], "memory-swap"), (["--cpu-shares", "1.5"], "cpu-shares"),
    (["--cpu-quota", "much"], "cpu-quota"), (["--cgroup-parent", "/a"], "--cgroup-parent: not supported"),
    (["--security-opt", "seccomp=unconfined"], "--security-opt"), (["--isolation", "hyperv"], "invalid isolation"),
])
def test_flags_that_cannot_be_met(shared, tmp_path, flags, told):
    (tmp_path / "Dockerfile").write_text("FROM busybox\n")
    done = shared.cleat("build", *flags, tmp_path, check=False)
    assert done.returncode in (1, 125) and told in done.stderr, done
