# SPDX-License-Identifier: Apache-2.0
"""Networks and ports with docker-py and Docker's own client against the gateway."""
import shutil
import subprocess

import docker
import harness
import pytest



@pytest.fixture(scope="module")
def gateway(networked_gateway):
    return networked_gateway


@pytest.fixture
def client(gateway):
    c = docker.DockerClient(base_url=f"unix://{gateway.path}", timeout=60)
    yield c
    for container in c.containers.list(all=True):
        container.remove(force=True)
    c.networks.prune()
    c.close()


def test_networks(client):
    pool = docker.types.IPAMPool(subnet="10.11.0.0/24", gateway="10.11.0.254", aux_addresses={"printer": "10.11.0.2"})
    front = client.networks.create("front", driver="bridge", ipam=docker.types.IPAMConfig(pool_configs=[pool]),
                                   labels={"a": "b"}, check_duplicate=True)
    assert front.attrs["IPAM"]["Config"] == [{"Subnet": "10.11.0.0/24", "Gateway": "10.11.0.254",
                                              "AuxiliaryAddresses": {"printer": "10.11.0.2"}}]
    assert [n.name for n in client.networks.list(filters={"label": "a=b"})] == ["front"]
    one = client.containers.run("busybox", ["sleep", "1000"], detach=True, network="front", name="one")
    front.reload()
    assert [c.name for c in front.containers] == ["one"]
    with pytest.raises(docker.errors.APIError) as caught:
        front.remove()
    assert caught.value.status_code == 403 and "active endpoints" in str(caught.value)
    bridge = client.networks.get("bridge")
    bridge.connect(one)
    one.reload()
    assert set(one.attrs["NetworkSettings"]["Networks"]) == {"front", "bridge"}
    front.disconnect(one)
    front.remove()
    with pytest.raises(docker.errors.NotFound):
        client.networks.get("front")
    with pytest.raises(docker.errors.APIError) as caught:
        bridge.remove()
    assert caught.value.status_code == 403
    # "not found" is what Docker's own client takes for a missing image
    with pytest.raises(docker.errors.APIError) as caught:
        client.containers.create("busybox", network="front")
    assert caught.value.status_code == 400 and "network front not found" in str(caught.value)


def test_endpoint_settings(client):
    client.networks.create("front", ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool("10.11.0.0/24")]))
    config = {"front": client.api.create_endpoint_config(ipv4_address="10.11.0.77", aliases=["web"])}
    made = client.api.create_container("busybox", ["sleep", "1000"], host_config=client.api.create_host_config(network_mode="front"),
                                       networking_config=client.api.create_networking_config(config))
    client.api.start(made["Id"])
    endpoint = client.api.inspect_container(made["Id"])["NetworkSettings"]["Networks"]["front"]
    assert endpoint["IPAddress"] == "10.11.0.77" and endpoint["Aliases"] == ["web"]


def test_names(client):
    """What docker-py and compose send of names is shown as Docker shows it, and works."""
    client.networks.create("front")
    db = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="p-db-1", network="front", hostname="base",
                               networking_config={"front": docker.types.EndpointConfig("1.44", aliases=["p-db-1", "db"])})
    endpoint = client.api.inspect_container(db.id)["NetworkSettings"]["Networks"]["front"]
    assert endpoint["Aliases"] == ["p-db-1", "db"] and endpoint["DNSNames"] == ["p-db-1", "db", db.id[:12], "base"]
    web = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="p-web-1", network="front",
                                dns=["10.1.1.1"], dns_search=["a.example"], dns_opt=["ndots:1"],
                                extra_hosts={"printer": "10.1.1.2", "box": "host-gateway"},
                                networking_config={"front": docker.types.EndpointConfig("1.44", links={"db": "sql"})})
    shown = client.api.inspect_container(web.id)
    host_config = shown["HostConfig"]
    assert shown["NetworkSettings"]["Networks"]["front"]["Links"] == ["db:sql"]
    assert (host_config["Dns"], host_config["DnsSearch"], host_config["DnsOptions"], sorted(host_config["ExtraHosts"])) == (
        ["10.1.1.1"], ["a.example"], ["ndots:1"], ["box:host-gateway", "printer:10.1.1.2"])
    assert shown["Config"]["Hostname"] == web.id[:12]
    for name in ("db", "sql", "base", "p-db-1"):
        code, text = web.exec_run(["ping", "-c1", "-W5", name])
        assert code == 0 and endpoint["IPAddress"].encode() in text, text
    text = web.exec_run(["cat", "/etc/resolv.conf", "/etc/hosts"])[1].decode()
    assert text.startswith("nameserver 127.0.0.11\nsearch a.example\noptions ndots:1\n")
    assert "10.1.1.2\tprinter\n" in text and "\tbox\n" in text
    client.networks.create("back").connect(db, aliases=["store"], links={"p-web-1": "shop"})
    endpoint = client.api.inspect_container(db.id)["NetworkSettings"]["Networks"]["back"]
    assert (endpoint["Aliases"], endpoint["Links"], endpoint["DNSNames"]) == (
        ["store"], ["p-web-1:shop"], ["p-db-1", "store", db.id[:12], "base"])


def test_links_of_the_default_network(client):
    db = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="db")
    web = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="web", links={"db": "sql"})
    assert client.api.inspect_container(web.id)["HostConfig"]["Links"] == ["/db:/web/sql"]
    assert web.exec_run(["ping", "-c1", "-W5", "sql"])[0] == 0
    db.reload()
    assert f"{db.attrs['NetworkSettings']['IPAddress']}\tsql {db.id[:12]} db\n" in web.exec_run(["cat", "/etc/hosts"])[1].decode()
    with pytest.raises(docker.errors.APIError) as caught:
        client.containers.create("busybox", links={"nobody": "x"})
    assert caught.value.status_code == 400 and "could not get container for nobody" in str(caught.value)
    with pytest.raises(docker.errors.APIError) as caught:
        client.api.create_container("busybox", networking_config=client.api.create_networking_config(
            {"bridge": client.api.create_endpoint_config(aliases=["x"])}))
    assert caught.value.status_code == 400 and "network-scoped alias" in str(caught.value)


def test_ports(client, gateway):
    c = client.containers.run("busybox", ["nc", "-ll", "-p", "80", "-e", "echo", "hi"], detach=True,
                              ports={"80/tcp": None, "81/udp": ("127.0.0.1", 8181), "82": [8282, 8283]})
    c.reload()
    assert c.ports["81/udp"] == [{"HostIp": "127.0.0.1", "HostPort": "8181"}]
    assert [b["HostPort"] for b in c.ports["82/tcp"]] == ["8282", "8283"]
    port = int(c.ports["80/tcp"][0]["HostPort"])
    harness.wait_until(lambda: gateway.ns.fetch("127.0.0.1", port) == "hi")
    listed = client.api.containers()[0]["Ports"]
    assert {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": port, "Type": "tcp"} in listed
    assert client.api.port(c.id, 80) == [{"HostIp": "0.0.0.0", "HostPort": str(port)}]
    with pytest.raises(docker.errors.APIError, match="port is already allocated"):
        client.containers.run("busybox", detach=True, ports={"80/tcp": port})


@pytest.mark.skipif(not shutil.which("docker"), reason="Docker's client is not installed")
def test_with_dockers_client(client, gateway):
    def out(*arguments):
        done = subprocess.run(["docker", "-H", f"unix://{gateway.path}", *arguments], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
    out("network", "create", "--subnet", "10.12.0.0/24", "mine")
    out("run", "-d", "--name", "web", "--network", "mine", "--ip", "10.12.0.9", "-p", "8000-8005:80", "busybox", "sleep", "100")
    assert out("port", "web") == "80/tcp -> 0.0.0.0:8000"
    assert "0.0.0.0:8000->80/tcp" in out("ps", "--format", "{{.Ports}}")
    assert out("inspect", "-f", "{{.NetworkSettings.Networks.mine.IPAddress}}", "web") == "10.12.0.9"
    assert out("network", "inspect", "-f", "{{range .Containers}}{{.Name}}{{end}}", "mine") == "web"
    assert client.networks.get("mine").name == "mine"
    out("rm", "-f", "web")
    out("network", "prune", "-f")
    assert "mine" not in out("network", "ls")
