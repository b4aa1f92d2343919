# SPDX-License-Identifier: Apache-2.0
"""Docker's own client shows what is written down in integration/transcripts: every verb, in pipes and in terminals."""
import shutil

import harness
import netns
import pytest
import registries
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
