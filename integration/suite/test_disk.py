# SPDX-License-Identifier: Apache-2.0
"""A disk that is full at any moment of pull, load, commit and build: the error says so, what was good is good, nothing
is left over but parts of blobs, and once there is room the same command does it. And one on which nothing has room any
more: what is removed goes."""
import disks
import harness
import inventory
import pytest
import scenarios

pytestmark = pytest.mark.layer_drivers

# Blocks of room: each moment at first, then about ten to each doubling up to what the largest of them takes.
ROOMS = [*range(24), *(int(24 * 2 ** (i / 4)) for i in range(40))]


@pytest.fixture(scope="module")
def place(layer_driver, tmp_path_factory):  # pylint: disable=unused-argument
    made = scenarios.Place(tmp_path_factory.mktemp("place"))
    yield made
    made.close()


@pytest.fixture
def disk(layer_driver, tmp_path):
    """On a tmpfs erofs cannot mount a file."""
    with disks.Disk(tmp_path, "ext4" if layer_driver == "erofs" else "tmpfs", 48) as made:
        yield made


def run(engine, place, name):
    process = place.begin(engine, scenarios.SCENARIOS[name])
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


@pytest.mark.parametrize("name", ["pull", "load", "commit", "build"])
def test_fills_at_any_moment(place, disk, name):
    scenario, failed = scenarios.SCENARIOS[name], 0
    with place.engine(scenario, disk.path / "state") as e:
        before, end = inventory.content(e), place.end_of(name)
        for blocks in ROOMS:
            disk.leave(blocks * disks.BLOCK)
            code, said = run(e, place, name)
            scenarios.wait_for_order(e)
            assert not inventory.damage(e)
            if code == 0:
                break
            failed += 1
            assert "No space left on device" in said, said
            assert before <= inventory.content(e) <= before | end
        assert failed and inventory.content(e) == end
        disk.leave(8 * disks.MIB)
        assert e.out("run", "--rm", "busybox", "echo", "good") == "good"


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("name", ["rmi", "prune", "builder-prune"])
def test_removals_need_no_room(place, disk, name, restarted):
    scenario = scenarios.SCENARIOS[name]
    with place.engine(scenario, disk.path / "state") as e:
        driver = e.log().split("layer driver=")[-1].split()[0]
        disk.leave(0)
        if restarted:
            e.kill()
            e.start()
            assert e.log().split("layer driver=")[-1].split()[0] == driver
        code, said = run(e, place, name)
        assert code == 0, said
        scenarios.wait_for_order(e)
        assert inventory.content(e) == place.end_of(name)
        if name == "prune":  # one after the other: what the first needed is there for the second
            disk.leave(0)
            e.out("rm", "keeps")
            disk.leave(0)
            e.out("rmi", "busybox")
            harness.wait_until(lambda: not any((e.state / "layers").iterdir()), what="the end of the last layer")
