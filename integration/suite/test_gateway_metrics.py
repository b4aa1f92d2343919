# SPDX-License-Identifier: Apache-2.0
"""GET /metrics, read by Prometheus' own parser."""
import signal

from prometheus_client.parser import text_string_to_metric_families


def scrape(gateway):
    """{name: [(labels, value)]} of all samples, and the types of the families."""
    code, headers, data = gateway.ask("GET", "/metrics")
    assert code == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(data.decode()))
    assert len({f.name for f in families}) == len(families) and all(f.documentation for f in families)
    seen = {}
    for family in families:
        for sample in family.samples:
            seen.setdefault(sample.name, []).append((sample.labels, sample.value))
    return seen, {f.name: f.type for f in families}


def value(samples, **labels):
    """The one sample with these labels, 0 when there is none."""
    found = [v for have, v in samples if labels.items() <= have.items()]
    assert len(found) <= 1
    return found[0] if found else 0


def test_requests_and_calls_are_counted(gateway):
    before, _ = scrape(gateway)
    for _ in range(3):
        gateway.ask("GET", "/v1.44/containers/none/json")
        gateway.ask("POST", "/cleat.v1.Containers/Inspect", {"container": "none"})
    gateway.ask("GET", "/some/path")
    gateway.ask("BREW", "/some/path")
    after, types = scrape(gateway)

    def grown(name, **labels):
        return value(after[name], **labels) - value(before.get(name, []), **labels)

    assert types["cleat_gateway_requests"] == "counter" and types["cleat_gateway_request_duration_seconds"] == "histogram"
    assert grown("cleat_gateway_requests_total", method="GET", route="/containers/{}/json", code="404") == 3
    assert grown("cleat_gateway_requests_total", method="POST", route="cleat.v1.Containers/Inspect", code="404") == 3
    assert grown("cleat_gateway_requests_total", method="GET", route="other", code="404") == 1
    assert grown("cleat_gateway_requests_total", method="other", route="other", code="404") == 1
    assert grown("cleat_engine_calls_total", method="cleat.v1.Containers/Inspect", code="NOT_FOUND") == 6
    for name, labels, n in (("cleat_gateway_request_duration_seconds", {"route": "/containers/{}/json"}, 3),
                            ("cleat_engine_call_duration_seconds", {"method": "cleat.v1.Containers/Inspect"}, 6)):
        assert grown(f"{name}_count", **labels) == grown(f"{name}_bucket", **labels, le="+Inf") == n
        buckets = [v for have, v in after[f"{name}_bucket"] if labels.items() <= have.items()]
        assert buckets == sorted(buckets) and grown(f"{name}_sum", **labels) > 0
    assert value(after["cleat_gateway_connections"]) >= 1


def test_containers_layers_and_logs(gateway):
    ids = [gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": [
        "sh", "-c", f"yes | head -c 300000; {end}"]}, 201)["Id"] for end in ("exit", "sleep 600", "exit")]
    before, _ = scrape(gateway)
    assert value(before["cleat_engine_containers"], state="created") == 3 and value(before["cleat_engine_layers_bytes"]) > 100000
    for cid in ids[:2]:
        gateway.json("POST", f"/containers/{cid}/start", status=204)
    gateway.json("POST", f"/containers/{ids[0]}/wait")
    after, _ = scrape(gateway)
    states = {state: value(after["cleat_engine_containers"], state=state) for state in ("created", "running", "exited", "paused")}
    assert states == {"created": 1, "running": 1, "exited": 1, "paused": 0}
    assert value(after["cleat_engine_logs_bytes"]) - value(before["cleat_engine_logs_bytes"]) > 300000
    assert value(after["cleat_engine_up"]) == 1
    for cid in ids:
        gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


def test_without_an_engine_the_gateway_tells_its_own(gateway):
    gateway.ask("GET", "/_ping")
    gateway.engine.kill(signal.SIGKILL)
    seen, _ = scrape(gateway)
    gateway.engine.start()
    assert value(seen["cleat_engine_up"]) == 0 and "cleat_gateway_requests_total" in seen
    assert "cleat_engine_containers" not in seen
