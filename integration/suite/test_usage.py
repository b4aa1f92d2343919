# SPDX-License-Identifier: Apache-2.0
"""system df, container prune, system prune, sizes of containers."""
import json

import docker
import pytest

import gateway as gateways
import image


def df(engine):
    rows = [json.loads(line) for line in engine.out("system", "df", "--format", "{{json .}}").split("\n")]
    return {row["Type"]: (row["TotalCount"], row["Active"], row["Size"], row["Reclaimable"]) for row in rows}


def loaded(engine, tag, *layers):
    engine.cleat("load", text=False, input=image.docker_archive([tag], list(layers), image.config(list(layers))))


def layer(name, size):
    return image.Layer().add(name, b"x" * size).bytes()


def test_df(engine):
    assert df(engine) == {"Images": ("0", "0", "0B", "0B"), "Containers": ("0", "0", "0B", "0B"),
                          "Local Volumes": ("0", "0", "0B", "0B"), "Build Cache": ("0", "0", "0B", "0B")}
    base, one, two = layer("base", 1000000), layer("one", 200000), layer("two", 30000)
    loaded(engine, "one", base, one)
    loaded(engine, "two", base, two)
    assert df(engine)["Images"] == ("2", "0", "1.23MB", "1.23MB (100%)")
    engine.out("create", "--name", "box", "one", "x")
    assert df(engine)["Images"] == ("2", "1", "1.23MB", "30kB (2%)")
    shown = engine.out("system", "df", "-v")
    assert "Images space usage:" in shown and "Containers space usage:" in shown
    rows = {line.split()[0]: line.split() for line in shown.split("\n") if line}
    assert rows["one"][-4:] == ["1.2MB", "1MB", "200kB", "1"] and rows["two"][-4:] == ["1.03MB", "1MB", "30kB", "0"]
    table = engine.out("system", "df").split("\n")
    assert table[0].split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert "conflict" in engine.cleat("system", "df", "-v", "--format", "x", check=False).stderr


def test_sizes_of_containers(busybox):
    busybox.out("run", "--name", "done", "busybox", "sh", "-c",
                "head -c 50000 /dev/zero > /f; ln /f /g; mkdir /d; head -c 7 /dev/zero > /d/x")
    busybox.out("run", "-d", "--name", "up", "busybox", "sh", "-c", "head -c 1000 /dev/zero > /f; echo ready; sleep 1000")
    busybox.wait_for_log("up", "ready")
    assert df(busybox)["Containers"] == ("2", "1", "51.01kB", "50.01kB (98%)")
    sizes = dict(line.split("=", 1) for line in busybox.out("ps", "-a", "--format", "{{.Names}}={{.Size}}").split("\n"))
    assert sizes["done"].startswith("50kB (virtual ") and sizes["up"].startswith("1kB (virtual ")
    inspected = json.loads(busybox.out("inspect", "--size", "done"))[0]
    assert inspected["SizeRw"] == 50007 and inspected["SizeRootFs"] > 50007


def test_container_prune(busybox):
    for name, label in (("one", "a=b"), ("two", "a=c"), ("three", "keep")):
        busybox.out("run", "--name", name, "-l", label, "busybox", "sh", "-c", "head -c 1000 /dev/zero > /f")
    busybox.out("create", "--name", "never", "busybox")
    busybox.out("run", "-d", "--name", "up", "busybox", "sleep", "1000")
    busybox.out("run", "-d", "--name", "held", "busybox", "sleep", "1000")
    busybox.out("pause", "held")

    def names():
        return sorted(busybox.out("ps", "-a", "--format", "{{.Names}}").split())
    everything = names()
    assert "WARNING" in busybox.cleat("container", "prune", input="n\n").stdout and names() == everything
    for wrong in ("bad=x", "until=never"):
        done = busybox.cleat("container", "prune", "-f", "--filter", wrong, check=False)
        assert done.returncode == 1 and "invalid filter" in done.stderr
    busybox.out("container", "prune", "-f", "--filter", "until=1h")
    assert names() == everything
    out = busybox.out("container", "prune", "-f", "--filter", "label=a=b")
    assert out.startswith("Deleted Containers:\n") and out.endswith("Total reclaimed space: 1kB")
    assert names() == ["held", "never", "three", "two", "up"]
    busybox.out("container", "prune", "-f", "--filter", "label!=keep")
    assert names() == ["held", "three", "up"]
    busybox.cleat("container", "prune", input="y\n")
    assert names() == ["held", "up"]
    assert busybox.out("container", "prune", "-f") == "Total reclaimed space: 0B"


def test_system_prune(engine):
    loaded(engine, "used", layer("u", 1000))
    loaded(engine, "unused", layer("x", 2000))
    loaded(engine, "again", layer("d", 3000))
    loaded(engine, "again", layer("e", 4000))
    engine.out("create", "--name", "box", "used", "x")
    asked = engine.cleat("system", "prune", input="\n").stdout
    assert "This will remove:\n" in asked and "dangling" in asked and "volumes" not in asked
    assert "volumes" in engine.cleat("system", "prune", "--volumes", input="\n").stdout
    refused = engine.cleat("system", "prune", "-f", "--volumes", "--filter", "until=1h", check=False)
    assert refused.returncode == 1 and '"until" filter is not supported with "--volumes"' in refused.stderr
    out = engine.out("system", "prune", "-f", "--volumes")
    assert "Deleted Containers:" in out and "Deleted Images:" in out and out.endswith("Total reclaimed space: 3kB")
    assert sorted(engine.out("images", "--format", "{{.Repository}}").split()) == ["again", "unused", "used"]
    assert engine.out("system", "prune", "-af").endswith("Total reclaimed space: 7kB")
    assert engine.out("images", "-q") == "" and df(engine)["Images"] == ("0", "0", "0B", "0B")


def test_by_docker(busybox):
    busybox.out("run", "--name", "box", "busybox", "sh", "-c", "head -c 1000 /dev/zero > /f")
    g = gateways.Gateway(busybox)
    try:
        client = docker.DockerClient(base_url=f"unix://{g.path}", version="auto")
        usage = client.df()
        assert usage["LayersSize"] == usage["Images"][0]["Size"] and usage["Images"][0]["Containers"] == 1
        assert usage["Images"][0]["SharedSize"] == 0 and usage["Containers"][0]["SizeRw"] == 1000
        assert g.json("GET", "/system/df?type=image")["Containers"] is None
        assert "unknown object type" in g.json("GET", "/system/df?type=x", status=400)["message"]
        assert "Images" in g.docker("system", "df").stdout and "box" in g.docker("system", "df", "-v").stdout
        assert client.containers.prune()["SpaceReclaimed"] == 1000
        assert client.containers.prune() == {"ContainersDeleted": None, "SpaceReclaimed": 0}
        assert "Total reclaimed space" in g.docker("container", "prune", "-f").stdout
        client.close()
    finally:
        g.close()


def test_prunes_and_usage_by_docker(busybox, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN head -c 100000 /dev/zero > /big\n")
    busybox.cleat("build", "-t", "built", tmp_path)
    busybox.out("rmi", "built")
    busybox.out("create", "--name", "old", "busybox")
    g = gateways.Gateway(busybox)

    def docker_says(*arguments):
        done = g.docker(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout
    try:
        rows = {line.split("  ")[0]: line.split() for line in docker_says("system", "df").splitlines()}
        assert rows["Build Cache"][2:] == ["1", "0", "100kB", "100kB"]
        assert "Build cache usage: 100kB" in busybox.out("system", "df", "-v")
        detailed = docker_says("system", "df", "-v")
        assert "Build cache usage: 100kB" in detailed and "regular" in detailed
        assert docker_says("volume", "ls", "-q") == ""
        for kind in ("volume", "network", "image"):
            docker_says(kind, "prune", "-f")
            refused = g.docker(kind, "prune", "-f", "--filter", "bad=1")
            assert refused.returncode == 1 and "invalid filter 'bad'" in refused.stderr
        docker_says("system", "prune", "-f", "--filter", "until=1h")
        out = docker_says("system", "prune", "-f", "--volumes")
        assert "Deleted Containers:" in out and "Deleted build cache objects:" in out
        assert out.endswith("Total reclaimed space: 100kB\n")
        assert docker_says("builder", "prune", "-f") == "Total reclaimed space: 0B\n"
        assert docker_says("system", "prune", "-af").endswith("B\n")
    finally:
        g.close()


def test_filters_of_system_prune(busybox, tmp_path):
    """`until` is of everything that goes; the build cache has no labels, and is left with a filter of them."""
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN head -c 100000 /dev/zero > /big\n")
    busybox.cleat("build", "-t", "built", tmp_path)
    busybox.out("rmi", "built")
    for kept in ("label=a=b", "until=1h"):
        assert busybox.out("system", "prune", "-f", "--filter", kept) == "Total reclaimed space: 0B"
    assert busybox.out("system", "prune", "-f", "--filter", "until=0s").endswith("reclaimed space: 100kB")


@pytest.mark.parametrize("arguments", [["df", "x"], ["prune", "x"], ["prune", "-f", "--filter", "bad=1"]])
def test_wrong_input(engine, arguments):
    assert engine.cleat("system", *arguments, check=False).returncode == 1
