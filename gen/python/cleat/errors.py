# SPDX-License-Identifier: Apache-2.0
"""One exception per status code, all of them subclasses of Error."""

from __future__ import annotations


class Error(Exception):
    """A call that failed.

    code is gRPC's number, reason a stable word for programs ("CONTAINER_NOT_FOUND", or ""), message
    one sentence for people. not_started: nothing was executed, so repeating is safe.
    """

    code = 2

    def __init__(self, message: str, reason: str = "", not_started: bool = False,
                 details: dict[str, bytes] | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.not_started = not_started
        self.details = details or {}
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} ({self.reason})" if self.reason else self.message


class Cancelled(Error):
    code = 1


class Unknown(Error):
    code = 2


class InvalidArgument(Error):
    code = 3


class DeadlineExceeded(Error):
    code = 4


class NotFound(Error):
    code = 5


class AlreadyExists(Error):
    code = 6


class PermissionDenied(Error):
    code = 7


class ResourceExhausted(Error):
    code = 8


class FailedPrecondition(Error):
    code = 9


class Aborted(Error):
    code = 10


class OutOfRange(Error):
    code = 11


class Unimplemented(Error):
    code = 12


class Internal(Error):
    code = 13


class Unavailable(Error):
    code = 14


class DataLoss(Error):
    code = 15


class Unauthenticated(Error):
    code = 16


BY_CODE = {cls.code: cls for cls in Error.__subclasses__()}
__all__ = [cls.__name__ for cls in (Error, *BY_CODE.values())]


def from_status(code: int, message: str, reason: str = "", not_started: bool = False,
                details: dict[str, bytes] | None = None) -> Error:
    """The exception for a status; a code out of range is kept in an Unknown."""
    return BY_CODE.get(code, Unknown)(message, reason, not_started, details, code)
