# SPDX-License-Identifier: Apache-2.0
"""Docker's clients pull, push and log in through the gateway."""
import base64
import json
import shutil
import subprocess

import docker
import image
import pytest
import registries


@pytest.fixture(autouse=True)
def pulled_anew(gateway, registry):
    """No test finds what another has pulled."""
    yield
    for found in gateway.json("GET", "/images/json"):
        for tag in found["RepoTags"]:
            if tag.startswith(registry.host):
                gateway.json("DELETE", f"/images/{tag}")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry that knows user:word, with x:1."""
    folder = tmp_path_factory.mktemp("registry")
    file = folder / "htpasswd"
    file.write_bytes(subprocess.run(["htpasswd", "-Bbn", "user", "word"], capture_output=True, check=True).stdout)
    with registries.Registry(auth={"htpasswd": {"realm": "tests", "path": str(file)}}) as r:
        layers = [image.busybox_layer(), image.Layer().add("more", b"m" * 5000).bytes()]
        r.skopeo_push(registries.archive_file(folder, layers), "team/x:1", "--dest-creds", "user:word")
        yield r


def auth_header(password="word"):
    text = json.dumps({"username": "user", "password": password}).encode()
    return {"X-Registry-Auth": base64.urlsafe_b64encode(text).decode()}


def stream(gateway, path, headers):
    code, _, data = gateway.ask("POST", path, headers=headers)
    return code, [json.loads(line) for line in data.splitlines()]


def test_pull_and_push(gateway, registry):
    name = f"{registry.host}/team/x"
    code, lines = stream(gateway, f"/images/create?fromImage={name}&tag=1", auth_header())
    assert code == 200
    assert lines[0] == {"status": "Pulling from team/x", "id": "1", "progressDetail": {}}
    told = [m["status"] for m in lines]
    assert (told.count("Pull complete"), told.count("Already exists")) == (1, 1)
    assert lines[-2]["status"].startswith("Digest: sha256:")
    assert lines[-1] == {"status": f"Status: Downloaded newer image for {name}:1"}
    assert gateway.json("GET", f"/images/{name}:1/json")["RepoTags"] == [f"{name}:1"]
    code, lines = stream(gateway, f"/images/{name}/push?tag=1", auth_header())
    assert code == 200
    assert lines[0]["status"] == f"The push refers to repository [{name}]"
    assert sum(m.get("status") == "Layer already exists" for m in lines) == 2
    aux = lines[-1]["aux"]
    assert aux["Tag"] == "1" and lines[-2]["status"] == f"1: digest: {aux['Digest']} size: {aux['Size']}"


def test_what_is_not_there(gateway, registry):
    name = f"{registry.host}/team/x"
    code, lines = stream(gateway, f"/images/create?fromImage={name}&tag=none", auth_header())
    assert code == 404 and f"manifest for {name}:none not found" in lines[0]["message"]
    code, lines = stream(gateway, f"/images/create?fromImage={name}&tag=1", auth_header("wrong"))
    assert code == 401 and "unauthorized" in lines[0]["message"]
    code, lines = stream(gateway, f"/images/create?fromImage={name}&tag=1", {"X-Registry-Auth": "?"})
    assert code == 401
    code, lines = stream(gateway, "/images/none/push?tag=1", auth_header())
    assert "An image does not exist locally with the tag: none" in lines[-1]["error"]


def test_auth(gateway, registry):
    who = {"username": "user", "password": "word", "serveraddress": registry.host}
    assert gateway.json("POST", "/auth", who) == {"Status": "Login Succeeded", "IdentityToken": ""}
    assert "unauthorized" in gateway.json("POST", "/auth", {**who, "password": "x"}, status=401)["message"]


def test_dockerpy(gateway, registry):
    client = docker.DockerClient(base_url=f"unix://{gateway.path}")
    who = {"username": "user", "password": "word"}
    try:
        pulled = client.images.pull(f"{registry.host}/team/x", tag="1", auth_config=who)
        assert pulled.tags == [f"{registry.host}/team/x:1"]
        pulled.tag(f"{registry.host}/py/x", "2")
        out = client.images.push(f"{registry.host}/py/x", tag="2", auth_config=who)
        assert '"aux"' in out and "errorDetail" not in out
        with pytest.raises(docker.errors.NotFound):
            client.images.pull(f"{registry.host}/team/x", tag="none", auth_config=who)
    finally:
        client.close()


@pytest.mark.skipif(not shutil.which("docker"), reason="the docker command line is not here")
def test_docker_run_pulls(gateway, registry, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    done = gateway.docker("login", "-u", "user", "--password-stdin", registry.host, input="word")
    assert "Login Succeeded" in done.stdout, done.stderr
    done = gateway.docker("run", "--rm", "--network", "none", f"{registry.host}/team/x:1", "echo", "ok")
    assert done.stdout == "ok\n", done.stderr
    gateway.docker("tag", f"{registry.host}/team/x:1", f"{registry.host}/docker/x:1")
    done = gateway.docker("push", f"{registry.host}/docker/x:1")
    assert done.returncode == 0 and "digest: sha256:" in done.stdout, done.stderr


def test_distribution(gateway, registry):
    """What compose and docker-py ask before they pull. An index tells its platforms, an image its own;
    nothing of it is taken."""
    headers = auth_header()
    host = registry.host

    def look(name, given=headers):
        code, _, body = gateway.ask("GET", f"/v1.41/distribution/{host}/{name}/json", headers=given)
        return code, json.loads(body)
    credentials = {"Authorization": "Basic " + base64.b64encode(b"user:word").decode()}
    with registries.Registry() as r:
        digest, body = (lambda a: (a[1]["Docker-Content-Digest"], a[2]))(registry.ask("GET", "/v2/team/x/manifests/1", {
            **credentials, "Accept": "application/vnd.docker.distribution.manifest.v2+json"}))
        assert look("team/x:1") == (200, {
            "Descriptor": {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": digest,
                           "size": len(body)}, "Platforms": [{"architecture": "amd64", "os": "linux"}]})
        assert look(f"team/x@{digest}")[1]["Descriptor"]["digest"] == digest
        host = r.host
        config = r.put_blob("of/many", b"{}")
        kind = "application/vnd.oci.image.manifest.v1+json"
        artifact = {"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {
            "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2}}
        one = r.put_manifest("of/many", "artifact", artifact, kind)
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {"mediaType": kind, "digest": one, "size": len(json.dumps(artifact)), "platform": p} for p in (
                {"os": "linux", "architecture": "arm", "variant": "v7"}, {"os": "linux", "architecture": "amd64"})]}
        several = r.put_manifest("of/many", "index", index, index["mediaType"])
        code, told = look("of/many:artifact", {})
        assert code == 400 and "it is no image" in told["message"]
        code, told = look("of/many:index", {})
        assert code == 200 and told["Descriptor"]["digest"] == several and told["Platforms"] == [
            {"architecture": "arm", "os": "linux", "variant": "v7"}, {"architecture": "amd64", "os": "linux"}]
        code, told = look("of/many:none", {})
        assert code == 404 and "manifest for" in told["message"]
    host = registry.host
    code, told = look("team/x:1", auth_header("wrong"))
    assert code == 401 and "unauthorized" in told["message"]
    code, told = look("UPPER", headers)
    assert code == 400 and "invalid reference format" in told["message"]
    client = docker.DockerClient(base_url=f"unix://{gateway.path}", version="auto")
    data = client.images.get_registry_data(f"{registry.host}/team/x:1", auth_config={"username": "user", "password": "word"})
    assert data.id == digest and data.has_platform("linux/amd64") and not data.has_platform("linux/arm64")
    client.close()
