# SPDX-License-Identifier: Apache-2.0
"""System calls of a process that take their time: by ptrace(2), as strace's delays lose, on a busy machine, whom they delay."""
import ctypes
import os
import platform
import signal
import struct
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
SYSCALL, DETACH, SEIZE, INTERRUPT, LISTEN, GET_SYSCALL_INFO = 24, 17, 0x4206, 0x4207, 0x4208, 0x420e
TRACESYSGOOD, EVENT_STOP, WALL, ENTRY = 1, 128, 0x40000000, 1
NUMBERS = {"x86_64": {"pwrite64": 18}, "aarch64": {"pwrite64": 67}}[platform.machine()]


class Slowed(threading.Thread):
    """Has each call of that name begin so many seconds late, until end(). It is the thread that traces."""

    def __init__(self, pid, call, seconds):
        super().__init__(daemon=True)
        self.pid, self.number, self.seconds = pid, NUMBERS[call], seconds
        self.begun, self.ending, self.error = threading.Event(), threading.Event(), None
        self.start()
        self.begun.wait()
        if self.error:
            raise self.error

    def end(self):
        self.ending.set()
        self.join()

    def ask(self, request, data=None, address=None):
        done = LIBC.ptrace(request, self.pid, address, data)
        if done < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return done

    def run(self):
        try:
            self.ask(SEIZE, TRACESYSGOOD)
            self.ask(INTERRUPT)
        except OSError as e:
            self.error = e
            self.begun.set()
            return
        try:
            while self.pass_stop():
                pass
        except ProcessLookupError:
            pass  # it was killed
        self.begun.set()

    def pass_stop(self):
        """Waits for the next stop, and has it go on; whether there will be another."""
        asked = False
        while not (found := os.waitpid(self.pid, WALL | os.WNOHANG))[0]:
            if self.ending.is_set() and not asked:
                self.ask(INTERRUPT)
                asked = True
            time.sleep(0.001)
        status = found[1]
        if not os.WIFSTOPPED(status):
            return False
        number, event, given = os.WSTOPSIG(status), status >> 16, 0
        if number == signal.SIGTRAP | 0x80:
            self.delay()
        elif event != EVENT_STOP:
            given = number
        if self.ending.is_set():
            self.ask(DETACH, given)
            return False
        self.ask(LISTEN if event == EVENT_STOP and number != signal.SIGTRAP else SYSCALL, given)
        self.begun.set()
        return True

    def delay(self):
        info = ctypes.create_string_buffer(88)
        self.ask(GET_SYSCALL_INFO, info, ctypes.c_void_p(len(info)))
        if info.raw[0] == ENTRY and struct.unpack_from("Q", info.raw, 24)[0] == self.number:
            self.ending.wait(self.seconds)
