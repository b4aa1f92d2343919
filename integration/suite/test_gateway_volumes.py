# SPDX-License-Identifier: Apache-2.0
"""Volumes by Docker's API: its own client, docker-py, and requests as they are."""
import json

import docker
import pytest
from docker.types import DriverConfig, Mount


@pytest.fixture(scope="module")
def client(gateway):
    c = docker.DockerClient(base_url=f"unix://{gateway.path}", timeout=60)
    yield c
    c.close()


@pytest.fixture(autouse=True)
def nothing_left(client):
    yield
    for c in client.containers.list(all=True):
        c.remove(force=True, v=True)
    for v in client.volumes.list():
        v.remove()


def docker_out(gateway, *arguments):
    done = gateway.docker(*arguments)
    assert done.returncode == 0, done
    return done.stdout.rstrip("\n")


def test_images_mounted_by_dockers_client(gateway):
    mount = "type=image,source=busybox,target=/mnt,image-subpath=bin"
    assert docker_out(gateway, "run", "--rm", "--mount", mount, "busybox", "/mnt/busybox", "echo", "x") == "x"
    docker_out(gateway, "create", "--name", "cc", "--mount", mount, "busybox")
    about = json.loads(docker_out(gateway, "inspect", "cc"))[0]
    assert about["HostConfig"]["Mounts"] == [{"Type": "image", "Source": "busybox", "Target": "/mnt",
                                              "ImageOptions": {"Subpath": "bin"}}]
    assert [(m["Type"], m["Name"], m["Destination"], m["RW"]) for m in about["Mounts"]] == [
        ("image", "busybox", "/mnt", False)]
    done = gateway.docker("run", "--rm", "--mount", "type=image,source=nothing,target=/mnt", "busybox", "true")
    assert done.returncode == 125 and "No such image: nothing" in done.stderr, done.stderr


def test_images_are_not_mounted_for_clients_that_do_not_know_it(gateway):
    body = {"Image": "busybox", "HostConfig": {"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/b"}]}}
    assert gateway.json("POST", "/v1.47/containers/create", body, 400)["message"] == (
        'Mount type "Image" needs API v1.48 or newer')
    assert gateway.json("POST", "/v1.48/containers/create", body, 201)["Id"]


def test_dockers_client(gateway):
    assert docker_out(gateway, "volume", "create", "--label", "a=b", "dd") == "dd"
    assert docker_out(gateway, "volume", "ls", "-q") == "dd"
    value = json.loads(docker_out(gateway, "volume", "inspect", "dd"))[0]
    assert value["Labels"] == {"a": "b"} and value["Mountpoint"].endswith("/volumes/dd/_data")
    assert docker_out(gateway, "run", "--rm", "-v", "dd:/d", "busybox", "sh", "-c", "echo x >/d/f; cat /d/f") == "x"
    assert docker_out(gateway, "run", "--rm", "--mount", "source=dd,target=/d,readonly", "busybox", "cat", "/d/f") == "x"
    docker_out(gateway, "create", "--name", "cc", "-v", "dd:/d", "-v", "/anon", "busybox")
    done = gateway.docker("volume", "rm", "dd")
    assert done.returncode == 1 and "volume is in use" in done.stderr
    assert docker_out(gateway, "ps", "-a", "--filter", "volume=dd", "--format", "{{.Names}}") == "cc"
    assert docker_out(gateway, "run", "--rm", "--volumes-from", "cc", "busybox", "cat", "/d/f") == "x"
    docker_out(gateway, "rm", "-v", "cc")
    assert docker_out(gateway, "volume", "ls", "-q") == "dd"
    done = gateway.docker("volume", "inspect", "none")
    assert done.returncode == 1 and "no such volume" in done.stderr
    assert "dd" in docker_out(gateway, "system", "df", "-v")
    assert "Deleted Volumes:\ndd" in docker_out(gateway, "volume", "prune", "-af")


def test_docker_py(client):
    v = client.volumes.create("vv", labels={"k": "v"})
    assert v.attrs["Labels"] == {"k": "v"} and v.attrs["Options"] is None
    assert client.volumes.create("vv").id == "vv"
    run = client.containers.run
    assert run("busybox", "touch /d/f", volumes={"vv": {"bind": "/d", "mode": "rw"}}, remove=True) == b""
    assert run("busybox", "ls /d", mounts=[Mount("/d", "vv", read_only=True)], remove=True) == b"f\n"
    assert [x.id for x in client.volumes.list(filters={"label": "k=v"})] == ["vv"]
    c = client.containers.create("busybox", volumes=["/anon"], mounts=[
        Mount("/t", None, type="tmpfs", tmpfs_size="1m"),
        Mount("/o", "oo", driver_config=DriverConfig("local", {"type": "tmpfs", "device": "tmpfs"}))])
    seen = {m["Destination"]: m for m in client.api.inspect_container(c.id)["Mounts"]}
    assert len(seen["/anon"]["Name"]) == 64 and seen["/o"]["Name"] == "oo"
    host = client.api.inspect_container(c.id)["HostConfig"]
    assert {m["Target"]: m["Type"] for m in host["Mounts"]} == {"/t": "tmpfs", "/o": "volume"}
    assert client.volumes.get("oo").attrs["Options"] == {"type": "tmpfs", "device": "tmpfs"}
    with pytest.raises(docker.errors.APIError) as caught:
        client.volumes.get("oo").remove()
    assert caught.value.status_code == 409
    c.remove(v=True)
    assert sorted(x.id for x in client.volumes.list()) == ["oo", "vv"]
    assert sorted(client.volumes.prune(filters={"all": True})["VolumesDeleted"]) == ["oo", "vv"]
    with pytest.raises(docker.errors.NotFound):
        client.volumes.get("vv")


def test_prune_before_1_42_is_of_all(gateway):
    for version, left in (("v1.42", ["nn"]), ("v1.41", [])):
        gateway.json("POST", "/volumes/create", {"Name": "nn"}, 201)
        gateway.json("POST", "/volumes/create", {}, 201)
        gateway.json("POST", f"/{version}/volumes/prune")
        assert [v["Name"] for v in gateway.json("GET", "/volumes")["Volumes"]] == left


@pytest.mark.parametrize("body, status", [
    ({"Name": "../x"}, 400), ({"Name": 1}, 400), ({"Name": "xx", "DriverOpts": {"o": 1}}, 400),
    ({"Name": "xx", "DriverOpts": ["o"]}, 400), ({"Name": "xx", "Driver": "nfs"}, 404),
    ({"Name": "xx", "DriverOpts": {"size": "much"}}, 400),
])
def test_bad_requests(gateway, body, status):
    assert gateway.json("POST", "/volumes/create", body, status)["message"]


@pytest.mark.parametrize("host, words", [
    ({"Binds": ["/a:rel"]}, "must be absolute"), ({"Binds": ["/a:/b:what"]}, "invalid mode"),
    ({"Binds": ["/a:/b:ro:x"]}, "invalid volume specification"), ({"Binds": ["/tmp:/b", "/tmp:/b"]}, "Duplicate mount"),
    ({"Mounts": [{"Type": "bind", "Source": "/nowhere", "Target": "/b"}]}, "does not exist"),
    ({"Mounts": [{"Type": "what", "Target": "/b"}]}, "invalid mount type"),
    ({"Mounts": [{"Type": "volume", "Target": "/"}]}, "destination can't be '/'"),
    ({"Mounts": [{"Type": "volume", "Source": "vv", "Target": "/b", "VolumeOptions": {"Subpath": "../x"}}]}, "subpath"),
    ({"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/b", "ImageOptions": {"Subpath": "../x"}}]}, "subpath"),
    ({"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/b", "ImageOptions": {"Subpath": 1}}]},
     "Subpath: expected a string"),
    ({"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/b", "ImageOptions": "bin"}]},
     "ImageOptions: expected an object"),
    ({"Mounts": [{"Type": "image", "Source": ["busybox"], "Target": "/b"}]}, "Source: expected a string"),
    ({"Mounts": [{"Type": "image", "Target": "/b"}]}, "field Source must not be empty"),
    ({"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/b", "VolumeOptions": {"Subpath": "etc"},
                  "ImageOptions": {"Subpath": "bin"}}]}, 'VolumeOptions must not be specified on mount type "image"'),
    ({"Mounts": [{"Type": "volume", "Source": "vv", "Target": "/b", "ImageOptions": {"Subpath": "bin"}}]},
     'ImageOptions must not be specified on mount type "volume"'),
    ({"Mounts": [{"Type": "image", "Source": "absent", "Target": "/b", "ImageOptions": None}]}, "No such image: absent"),
])
def test_bad_mounts(gateway, host, words):
    answer = gateway.json("POST", "/containers/create", {"Image": "busybox", "HostConfig": host}, 400)
    assert words in answer["message"]
