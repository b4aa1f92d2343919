# SPDX-License-Identifier: Apache-2.0
"""The client against a server in Python, and against the C runtime where CLEAT_ECHO_SERVER names it."""

import os
import subprocess
import threading
import time

import pytest
from fake_server import FakeServer
from small import Another, Echo, None_, Number, Text

import cleat
from cleat import errors
from cleat.rpc.v1 import Kind


@pytest.fixture
def fake(tmp_path):
    server = FakeServer(f"ipc://{tmp_path}/s")
    yield server
    server.close()
    assert server.faults == []


def start_c_server(path):
    process = subprocess.Popen([os.environ["CLEAT_ECHO_SERVER"], path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture(params=["python", "c"])
def url(request, tmp_path):
    address = f"ipc://{tmp_path}/s"
    if request.param == "python":
        server = FakeServer(address)
        yield address
        server.close()
        assert server.faults == []
        return
    if "CLEAT_ECHO_SERVER" not in os.environ:
        pytest.skip("no C server in this build")
    process = start_c_server(address)
    yield address
    process.terminate()
    assert process.wait(10) == 0


@pytest.fixture
def echo(url):
    with cleat.Client(url) as client:
        yield Echo(client)


def test_unary(echo):
    for size in (0, 1, 1000, 70_000, 1_000_000):
        assert echo.once(Text(text="x" * size)).text == "x" * size


@pytest.mark.parametrize("code, kind", [(c, k) for c, k in errors.BY_CODE.items() if c != 14])
def test_errors_by_code(echo, code, kind):
    with pytest.raises(kind) as e:
        echo.fail(Number(value=code))
    assert (e.value.code, e.value.reason, e.value.message) == (code, "ASKED", "as asked")


def test_server_stream(echo):
    assert [n.value for n in echo.count_up(Number(value=20_000))] == list(range(1, 20_001))
    assert list(echo.count_up(Number())) == []


def test_unread_stream_beside_a_lively_call(echo):
    with echo.count_up(Number(value=1_000_000)) as stalled:
        assert stalled.receive().value == 1
        for i in range(50):
            assert echo.once(Text(text=str(i))).text == str(i)
    assert echo.once(Text(text="after")).text == "after"


def test_client_stream(echo):
    with echo.sum() as sender:
        assert sender.send_all(Number(value=i) for i in range(5000)).value == sum(range(5000))


def test_bidi(echo):
    with echo.import_() as both:
        for size in (0, 3, 50_000, 200_000):
            both.send(Text(text="y" * size))
            assert len(both.receive().text) == size
        both.end()
        assert both.receive() is None
        with pytest.raises(errors.FailedPrecondition):
            both.send(Text())


def test_deadline(echo):
    before = time.monotonic()
    with echo.import_(timeout=0.2) as both, pytest.raises(errors.DeadlineExceeded):
        both.receive()
    assert 0.15 < time.monotonic() - before < 2


def test_threads_share_a_client(echo):
    failures = []

    def work(n):
        try:
            for i in range(100):
                assert echo.once(Text(text=f"{n}-{i}")).text == f"{n}-{i}"
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []


def test_lost_connection_fails_streams_and_is_replaced(tmp_path):
    address = f"ipc://{tmp_path}/s"
    first = FakeServer(address)
    with cleat.Client(address) as client:
        echo = Echo(client)
        instance = client.instance
        both = echo.import_()
        first.close()
        with pytest.raises(errors.Unavailable) as e:
            both.receive()
        assert not e.value.not_started
        second = FakeServer(address)
        assert echo.once(Text(text="new")).text == "new"
        assert client.instance != instance
        second.close()


def test_goaway_moves_new_calls(fake):
    with cleat.Client(fake.url) as client:
        echo = Echo(client)
        echo.once(Text())
        fake.goaway(1)
        time.sleep(0.1)
        assert echo.once(Text(text="again")).text == "again"


def test_what_never_began_is_repeated(fake):
    with cleat.Client(fake.url) as client:
        fake.refuse_next = 3
        assert Echo(client).once(Text(text="at last")).text == "at last"
        assert len(fake.opened) == 4
    with cleat.Client(fake.url, retry=0) as client:
        fake.refuse_next = 1
        with pytest.raises(errors.Unavailable):
            Echo(client).once(Text())


def test_options_travel(fake):
    with cleat.Client(fake.url) as client:
        Echo(client).once(Text(), timeout=2, request_key="k", trace="t", metadata={"a": "b"})
    sent = fake.opened[0]
    assert (sent.method, sent.timeout_ms, sent.request_key, sent.trace) == (
        "cleat.test.v1.Echo/Once", 2000, "k", "t")
    assert [(m.key, m.value) for m in sent.meta] == [("a", b"b")]


def test_pings_are_answered_while_nobody_calls(fake):
    with cleat.Client(fake.url) as client:
        assert client.instance == fake.instance
        fake.send(kind=Kind.PING, token=2**63)
        Echo(client).once(Text())  # its reply comes after the ping
        Echo(client).once(Text())  # and this after the pong
        assert fake.pongs == [2**63]


def test_cancelled_stream_is_told(fake):
    with cleat.Client(fake.url) as client:
        both = Echo(client).import_()
        both.close()
        with pytest.raises(errors.Cancelled):
            both.receive()
        Echo(client).once(Text())
        assert fake.calls[1].cancelled


def test_frames_that_make_no_sense(fake):
    with cleat.Client(fake.url) as client:
        echo = Echo(client)
        echo.once(Text())
        fake.send(call=99, kind=Kind.DATA, data=b"x", has_data=True)
        fake.send(call=1, kind=Kind.STATUS)
        assert echo.once(Text(text="still here")).text == "still here"
        both = echo.import_()
        fake.socket.send(b"\xff\xff\xff")
        with pytest.raises(errors.Internal):
            both.receive()
        assert echo.once(Text(text="on a fresh connection")).text == "on a fresh connection"


def test_no_hello(tmp_path):
    server = FakeServer(f"ipc://{tmp_path}/s")
    server.silent = True
    with pytest.raises(errors.Unavailable):
        Another(cleat.Client(server.url, connect=0.2, retry=0)).nothing(None_())
    server.close()


def test_nobody_there(tmp_path):
    with pytest.raises(errors.Unavailable) as e:
        Echo(cleat.Client(f"ipc://{tmp_path}/none", retry=0)).once(Text())
    assert e.value.not_started
