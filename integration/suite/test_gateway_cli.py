# SPDX-License-Identifier: Apache-2.0
"""Docker's own client shows what is written down in integration/transcripts: every verb, in pipes and in terminals."""
import json
import re
import shutil

import eventscenario
import harness
import netns
import pytest
import registries
import shapes
import transcript

import gateway as gateways

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")


def play(file, gateway, variables=None):
    parts = transcript.parse(file.read_text(encoding="utf-8"))
    with transcript.Session(f"unix://{gateway.path}", variables) as session:
        assert transcript.shown(session.play(parts)) == transcript.shown(parts)


@pytest.mark.parametrize("file", sorted(f for f in transcript.FOLDER.glob("*.txt") if f.stem != "registry"), ids=lambda f: f.stem)
def test_transcript(file, layer_driver):  # pylint: disable=unused-argument
    with netns.Netns() as ns, harness.Engine(netns=ns.name) as engine:
        engine.load_busybox()
        gateway = gateways.Gateway(engine)
        try:
            play(file, gateway)
        finally:
            gateway.close()


@pytest.mark.skipif(not shutil.which("docker-registry"), reason="no registry on this machine")
def test_registry(gateway):
    with registries.Registry() as registry:
        play(transcript.FOLDER / "registry.txt", gateway, {"REGISTRY": registry.host})


# What dockerd 20.10 tells and cleat does not: its storage driver's places, what its successors have dropped, what is Go's.
UNTOLD = re.compile(r"\.(GraphDriver\.Data|DriverStatus|GoVersion|KernelMemory|KernelMemoryTCP|BridgeNf\w+|"
                    r"AllowNondistributable\w+|Authorization|Experimental|BuildTime|GitCommit|"
                    r"Expected|percpu_usage|io_\w+_recursive|sectors_recursive)\b")


def test_answers_have_the_members_of_dockerds(layer_driver):  # pylint: disable=unused-argument
    recorded = json.loads(shapes.RECORDED.read_text(encoding="utf-8"))
    with netns.Netns() as ns, harness.Engine(netns=ns.name) as engine:
        engine.load_busybox()
        gateway = gateways.Gateway(engine)
        try:
            found = shapes.take(eventscenario.Docker(f"unix://{gateway.path}"), gateway.path)
        finally:
            gateway.close()
    wrong = {f"{path} {member}": (kind, found[path].get(member)) for path, members in recorded.items()
             for member, kind in members.items()
             if not UNTOLD.search(member) and kind != found[path].get(member) and "null" not in (kind, found[path].get(member))}
    assert wrong == {}
