# SPDX-License-Identifier: Apache-2.0
"""Puts the client and the golden stubs of small.proto on the path."""

import pathlib
import sys

python = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(python), str(python.parent / "vectors" / "expected" / "python"),
                str(python / "tests")]
