# SPDX-License-Identifier: Apache-2.0
"""login, logout, and who one is for a registry: htpasswd, a token server, TLS with an authority of one's own."""
import json
import os
import re
import stat
import subprocess

import gateway as gateways
import harness
import image
import pytest
import registries
import tcpproxy
import tokens


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty ~/.docker."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return registries.archive_file(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, archive):
    """A registry that knows user:pass:word."""
    file = tmp_path_factory.mktemp("auth") / "htpasswd"
    file.write_bytes(subprocess.run(["htpasswd", "-Bbn", "user", "pass:word"], capture_output=True, check=True).stdout)
    with registries.Registry(auth={"htpasswd": {"realm": "tests", "path": str(file)}}) as r:
        r.skopeo_push(archive, "x:1", "--dest-creds", "user:pass:word")
        yield r


def login(engine, registry, password, user="user"):
    return engine.cleat("login", "-u", user, "--password-stdin", registry.host, input=password, check=False)


def test_login_pull_logout(engine, guarded, home):
    name = f"{guarded.host}/x:1"
    done = engine.cleat("pull", name, check=False)
    assert done.returncode == 1 and "no basic auth credentials" in done.stderr
    done = login(engine, guarded, "wrong\n")
    assert done.returncode == 1 and "unauthorized" in done.stderr and not (home / "config.json").exists()
    done = login(engine, guarded, "pass:word\n")
    assert done.stdout == "Login Succeeded\n" and done.stderr == ""
    assert stat.S_IMODE((home / "config.json").stat().st_mode) == 0o600
    assert json.loads((home / "config.json").read_text()) == {"auths": {guarded.host: {"auth": "dXNlcjpwYXNzOndvcmQ="}}}
    assert engine.cleat("login", guarded.host).stdout.splitlines()[-1] == "Login Succeeded"
    assert engine.out("run", "--rm", name, "echo", "ok") == "ok"
    # the engine keeps none of it
    assert b"pass:word" not in b"".join(p.read_bytes() for p in engine.state.glob("cleat.db*"))
    assert engine.out("logout", guarded.host) == f"Removing login credentials for {guarded.host}"
    assert engine.out("logout", guarded.host) == f"Not logged in to {guarded.host}"
    engine.out("rmi", name)
    assert engine.cleat("pull", name, check=False).returncode == 1


def test_credential_helper(engine, guarded, home, tmp_path, monkeypatch):
    """The helper is a real program of the protocol: it keeps what it is given in a file."""
    helper = tmp_path / "docker-credential-file"
    helper.write_text(f"""#!/bin/sh
case $1 in
store) cat > {tmp_path}/kept ;;
get) read -r server; grep -q "\\"$server\\"" {tmp_path}/kept 2>/dev/null && cat {tmp_path}/kept && exit 0
     echo "credentials not found in native keychain"; exit 1 ;;
erase) rm -f {tmp_path}/kept ;;
esac
""")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (home / "config.json").write_text('{"credsStore": "file", "HttpHeaders": {"X-A": "b"}}')
    assert engine.cleat("pull", f"{guarded.host}/x:1", check=False).returncode == 1
    assert login(engine, guarded, "pass:word").stdout == "Login Succeeded\n"
    assert json.loads((tmp_path / "kept").read_text()) == {"ServerURL": guarded.host, "Username": "user",
                                                           "Secret": "pass:word"}
    kept = json.loads((home / "config.json").read_text())
    assert kept == {"credsStore": "file", "HttpHeaders": {"X-A": "b"}, "auths": {guarded.host: {}}}
    engine.out("pull", f"{guarded.host}/x:1")
    engine.out("logout", guarded.host)
    assert not (tmp_path / "kept").exists()


def write_helper(folder, name, script):
    """A credential helper on the PATH that the fixture `helpers` has set."""
    path = folder / f"docker-credential-{name}"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


@pytest.fixture
def helpers(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


GOOD = """read -r server; echo '{"Username": "user", "Secret": "pass:word"}'"""


@pytest.mark.parametrize("script,told", [
    (None, "docker-credential-odd: No such file or directory"),
    ("echo no luck today; exit 1", "docker-credential-odd: no luck today"),
    ("echo '{\"Username\": \"user\", \"Secret\": \"pass:word\"'", "expected an object with Username and Secret"),
    ("echo '{\"Secret\": \"pass:word\"}'", "expected an object with Username and Secret"),
    ("echo '[\"pass:word\"]'", "expected an object with Username and Secret"),
    ("exit 0", "expected an object with Username and Secret"), ("kill -9 $$", "docker-credential-odd"),
    ("yes pass:word 2>/dev/null", "docker-credential-odd"),
])
def test_helpers_that_are_odd(engine, guarded, home, helpers, script, told):
    if script:
        write_helper(helpers, "odd", script)
    (home / "config.json").write_text('{"credsStore": "odd"}')
    done = engine.cleat("pull", f"{guarded.host}/x:1", check=False)
    assert done.returncode == 1 and told in done.stderr and "pass:word" not in done.stderr
    assert done.stderr.startswith("cleat: ") and done.stderr.count("\n") == 1


def test_helper_of_one_registry(engine, guarded, home, helpers):
    """credHelpers goes before credsStore, whatever form its key has; "" there means the file."""
    write_helper(helpers, "good", GOOD)
    write_helper(helpers, "bad", "exit 1")
    name = f"{guarded.host}/x:1"
    for key in (guarded.host, f"https://{guarded.host}", f"http://{guarded.host}/v1/"):
        (home / "config.json").write_text(json.dumps({"credsStore": "bad", "credHelpers": {key: "good", "else": "bad"}}))
        engine.out("pull", name)
    (home / "config.json").write_text(json.dumps({
        "credsStore": "bad", "credHelpers": {guarded.host: ""}, "auths": {guarded.host: {"auth": "dXNlcjpwYXNzOndvcmQ="}}}))
    engine.out("pull", name)


def test_helper_that_does_not_read(engine, guarded, home, helpers):
    write_helper(helpers, "deaf", """exec <&-; echo '{"Username": "user", "Secret": "pass:word"}'""")
    (home / "config.json").write_text('{"credsStore": "deaf"}')
    engine.out("pull", f"{guarded.host}/x:1")


@pytest.fixture
def identities(tmp_path, archive):
    """A registry whose token server gives identity tokens."""
    with tokens.TokenServer(tmp_path, {"user": "secret"}, offline=True) as server:
        with registries.Registry(auth=server.registry_auth()) as r:
            r.skopeo_push(archive, "team/x:1", "--dest-creds", "user:secret")
            r.tokens = server
            yield r


def test_identity_token(engine, identities, home):
    """It is kept in place of the password, and exchanged for a token each time."""
    server, name = identities.tokens, f"{identities.host}/team/x:1"
    assert login(engine, identities, "secret").stdout == "Login Succeeded\n"
    assert json.loads((home / "config.json").read_text())["auths"] == {
        identities.host: {"auth": "dXNlcjo=", "identitytoken": "identity+of/user="}}
    server.given.clear()
    assert engine.out("run", "--rm", name, "echo", "ok") == "ok"
    engine.out("tag", name, f"{identities.host}/team/y:1")
    engine.out("push", f"{identities.host}/team/y:1")
    assert engine.cleat("login", identities.host).stdout.splitlines()[-1] == "Login Succeeded"
    assert server.given == [] and ["repository:team/x:pull"] in server.exchanged
    assert any("repository:team/y:pull,push" in scopes for scopes in server.exchanged)
    server.identities.clear()
    done = engine.cleat("pull", name, check=False)
    assert done.returncode == 1 and "unauthorized: this identity token is not good any more" in done.stderr


def test_identity_token_in_a_helper(engine, identities, home, helpers, tmp_path):
    write_helper(helpers, "file", f"case $1 in store) cat > {tmp_path}/kept;; get) cat {tmp_path}/kept;; esac\n")
    (tmp_path / "kept").write_text('{"Username": "user", "Secret": "secret"}')
    (home / "config.json").write_text('{"credsStore": "file"}')
    assert login(engine, identities, "secret").returncode == 0
    assert json.loads((tmp_path / "kept").read_text()) == {
        "ServerURL": identities.host, "Username": "<token>", "Secret": "identity+of/user="}
    identities.tokens.given.clear()
    engine.out("pull", f"{identities.host}/team/x:1")
    assert identities.tokens.given == [] and identities.tokens.exchanged


def test_identity_token_by_docker(engine, identities, home):
    g = gateways.Gateway(engine)
    try:
        done = g.docker("login", "-u", "user", "--password-stdin", identities.host, input="secret")
        assert done.returncode == 0 and "Login Succeeded" in done.stdout, done
        kept = json.loads((home / "config.json").read_text())["auths"][identities.host]
        assert kept["identitytoken"] == "identity+of/user="
        identities.tokens.given.clear()
        assert g.docker("pull", f"{identities.host}/team/x:1").returncode == 0
        assert identities.tokens.given == [] and identities.tokens.exchanged
        engine.out("pull", f"{identities.host}/team/x:1")
    finally:
        g.close()


def test_a_registry_that_is_away_is_told_at_once(engine, home):
    """Not waited for as for an engine that restarts."""
    g, nobody = gateways.Gateway(engine), harness.reserved_port()
    try:
        host = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = engine.cleat("login", "-u", "user", "--password-stdin", host, input="word", check=False)
        assert done.returncode == 1 and "Failed to connect" in done.stderr, done
        told = g.json("POST", "/auth", {"username": "u", "password": "p", "serveraddress": host}, status=500)
        assert "Failed to connect" in told["message"]
        counts = re.findall(rb'^cleat_engine_calls_total\{method="cleat.v1.System/Login",.*\} (\d+)$', g.ask("GET", "/metrics")[2], re.M)
        assert counts == [b"2"]  # each of the two has asked the engine once
    finally:
        nobody.close()
        g.close()


def test_token_server(engine, home, tmp_path, archive):
    with tokens.TokenServer(tmp_path, {"user": "secret"}) as server:
        with registries.Registry(auth=server.registry_auth()) as r:
            r.skopeo_push(archive, "team/x:1", "--dest-creds", "user:secret")
            done = engine.cleat("pull", f"{r.host}/team/x:1", check=False)
            assert done.returncode == 1 and "unauthorized: incorrect username or password" in done.stderr
            assert login(engine, r, "wrong").returncode == 1
            assert login(engine, r, "secret").returncode == 0
            server.given.clear()
            assert engine.out("run", "--rm", f"{r.host}/team/x:1", "echo", "ok") == "ok"
            assert server.given == [["repository:team/x:pull"]]


def test_a_token_server_that_resets_connections(engine, home, tmp_path):
    with (tokens.TokenServer(tmp_path, {"user": "secret"}) as server,
          tcpproxy.Proxy(int(server.host.rpartition(":")[2]), resets=2) as proxy):
        server.url = f"http://{proxy.host}/token"
        with registries.Registry(auth=server.registry_auth()) as r:
            assert login(engine, r, "secret").returncode == 0
            assert list(proxy.seen.values()) == [3]


def test_token_that_expires_midway(engine, home, tmp_path):
    """Tokens that are good for a moment only are fetched again."""
    with tokens.TokenServer(tmp_path, {"user": "secret"}, lifetime=1) as server:
        with registries.Registry(auth=server.registry_auth()) as r:
            layers = [image.busybox_layer(), *(registries.big_layer(1, seed) for seed in range(2, 5))]
            r.skopeo_push(registries.archive_file(tmp_path, layers), "x:1", "--dest-creds", "user:secret")
            assert login(engine, r, "secret").returncode == 0
            assert engine.out("run", "--rm", f"{r.host}/x:1", "echo", "ok") == "ok"


@pytest.fixture(scope="module")
def tls(tmp_path_factory, archive):
    """A registry with TLS on an address that is not of the loopback net, which asks for client certificates."""
    address = tokens.own_address()
    if not address:
        pytest.skip("this machine has the loopback net alone")
    folder = tmp_path_factory.mktemp("tls")
    tokens.make_authority(folder)
    tokens.make_certificate(folder, "server", address)
    tokens.make_certificate(folder, "client", address)
    settings = {"certificate": str(folder / "server.crt"), "key": str(folder / "server.key"),
                "clientcas": [str(folder / "ca.crt")]}
    with registries.Registry(address, "https", settings) as r:
        r.folder = folder
        certs = folder / "skopeo"
        certs.mkdir()
        for source, target in (("client.crt", "client.cert"), ("client.key", "client.key"), ("ca.crt", "ca.crt")):
            (certs / target).write_bytes((folder / source).read_bytes())
        r.skopeo_push(archive, "x:1", "--dest-cert-dir", certs)
        yield r


def test_tls(tls, tmp_path):
    certs = tmp_path / "certs.d" / tls.host
    certs.mkdir(parents=True)
    name = f"{tls.host}/x:1"
    with harness.Engine(config={"registry-certs": str(tmp_path / "certs.d")}) as e:
        done = e.cleat("pull", name, check=False)
        assert done.returncode == 1 and "certificate" in done.stderr
        (certs / "ca.crt").write_bytes((tls.folder / "ca.crt").read_bytes())
        done = e.cleat("pull", name, check=False)
        assert done.returncode == 1 and "certificate" in done.stderr
        (certs / "client.cert").write_bytes((tls.folder / "client.crt").read_bytes())
        done = e.cleat("pull", name, check=False)
        assert done.returncode == 1 and "client.cert has no client.key beside it" in done.stderr
        (certs / "client.key").write_bytes((tls.folder / "client.key").read_bytes())
        assert e.out("run", "--rm", name, "echo", "ok") == "ok"


def test_tls_connections_that_are_reset(tmp_path, archive):
    address = tokens.own_address()
    if not address:
        pytest.skip("this machine has the loopback net alone")
    folder = tmp_path / "tls"
    folder.mkdir()
    tokens.make_authority(folder)
    tokens.make_certificate(folder, "server", address)
    settings = {"certificate": str(folder / "server.crt"), "key": str(folder / "server.key")}
    with registries.Registry(address, "https", settings) as r:
        authority = tmp_path / "certs.d" / r.host
        authority.mkdir(parents=True)
        (authority / "ca.crt").write_bytes((folder / "ca.crt").read_bytes())
        r.skopeo_push(archive, "x:1", "--dest-cert-dir", authority)
        with tcpproxy.Proxy(r.port, new_resets=3, address=address) as proxy:
            authority.rename(authority.with_name(proxy.host))
            with harness.Engine(config={"registry-certs": str(tmp_path / "certs.d")}) as e:
                e.out("pull", "-q", f"{proxy.host}/x:1")
                assert proxy.new_resets == 0
        # nor does a reset mean that a server, which may do without, speaks no TLS
        with tcpproxy.Proxy(r.port, new_resets=2, address=address) as proxy, \
                harness.Engine(config={"insecure-registries": [f"{address}/32"]}) as e:
            e.out("pull", "-q", f"{proxy.host}/x:1")
            assert proxy.new_resets == 0


def test_plain_http_must_be_allowed(archive):
    address = tokens.own_address()
    if not address:
        pytest.skip("this machine has the loopback net alone")
    with registries.Registry(address) as r:
        r.skopeo_push(archive, "x:1")
        with harness.Engine() as e:
            done = e.cleat("pull", f"{r.host}/x:1", check=False)
            assert done.returncode == 1 and "insecure-registries" in done.stderr
        with harness.Engine(config={"insecure-registries": [f"{address}/32"]}) as e:
            assert e.out("run", "--rm", f"{r.host}/x:1", "echo", "ok") == "ok"


def test_mirror(archive):
    """A name of Docker's hub comes from the mirror, under its own name; one that is not there is passed over."""
    with registries.Registry() as r, harness.reserved_port() as nobody:
        r.skopeo_push(archive, "library/x:1")
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with harness.Engine(config={"registry-mirrors": [gone, f"http://{r.host}"]}) as e:
            assert e.out("run", "--rm", "x:1", "echo", "ok") == "ok"
            assert e.out("images", "--format", "{{.Repository}}:{{.Tag}}") == "x:1"
