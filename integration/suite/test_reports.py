# SPDX-License-Identifier: Apache-2.0
"""What the test runner takes for a sanitizer's finding."""
import pytest
import run_tests

TRACER = "==4711==Unable to get registers from thread 4712.\n"


@pytest.mark.parametrize("reports,found", [
    ([], 0),
    ([TRACER], 0),
    ([TRACER * 3], 0),
    ([TRACER + "=================\n==4711==ERROR: LeakSanitizer: detected memory leaks\n"], 1),
    (["WARNING: ThreadSanitizer: data race (pid=1)\n", "a.c:1:2: runtime error: signed integer overflow\n"], 2),
    (["==4711==Unable to get registers from thread 4712. And more\n"], 1),
    (["==4711==LeakSanitizer has encountered a fatal error.\n", TRACER], 1),
])
def test_findings(tmp_path, capsys, reports, found):
    for number, text in enumerate(reports):
        (tmp_path / f"cleat.{number}").write_text(text)
    assert run_tests.show_reports(tmp_path) == found
    assert capsys.readouterr().out.count("cleat.") == found
