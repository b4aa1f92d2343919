#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every test of the project in stages and counts what passed.

A stage is one line of output; what it printed is kept in build/test-logs/STAGE.log and shown when the
stage failed. The last line is `N passed, N failed`. An inventory of the host is taken before and
after: whatever a test leaves behind (process, mount, cgroup, network namespace, temporary file) is a
failure of its own.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import vm

TOP = pathlib.Path(__file__).resolve().parent.parent
LOGS = TOP / "build" / "test-logs"
VENV = TOP / "build" / "suite-venv"
PYTEST_JOBS = 5  # tests wait more than they compute: three leave half of two processors idle
# What depends on the kernel: whole suites, and of images as much as shows that layers are made, mounted and
# changed there.
VM_SUITES = ("run", "lifecycle", "logs_exec", "crash", "runtime", "pull", "quota", "apparmor")
VM_TESTS = {"archives": ("metadata", "whiteouts", "worker_is_confined"),
            "build": ("run_forms", "copy", "deleted_and_replaced_files", "cache_hits_and_misses", "many_layers",
                      "mount_cache", "mount_bind_tmpfs_secret", "image_runs_elsewhere"),
            "commit": ("the_image_is_what_the_container_was",),
            "image_mounts": ("files_of_all_layers_read_only", "several_and_the_container_s_own", "subpath",
                             "user_namespace_sees_the_ids_of_the_image", "copies_and_changes"),
            "isolation": ("options_of_security", "privileged_has_what_the_host_has", "a_group_above"),
            "limits": ("a_limit_is_the_kernels", "what_v2_lacks_is_discarded_with_a_warning", "limits_of_a_block_device",
                       "weights_of_block_devices"),
            "oom": ("its_first_process_is_killed", "one_of_its_processes_is_killed"),
            "stats": ("all_that_run", "docker_once"),
            "userns": ("ids_inside_and_on_disk", "volumes_are_the_same_for_all", "copies_in_and_out", "all_that_a_container_has",
                       "terminals_and_health"),
            "runtime_userns": ("files_have_the_ids_of_the_image", "a_bind_mount_with_mapped_ids",
                               "limits_that_only_the_host_may_set", "a_namespace_that_is_joined"),
            "update": ("a_limit_of_a_running_container", "less_memory_than_is_used_is_refused_wholly")}
VM_TIMEOUT_S = 1500
REPORTS_SHOWN = 5
LINE_MAX = 400  # of what is shown of a failed stage


class Tally:
    """Passed and failed tests over all stages."""

    def __init__(self):
        self.passed = self.failed = 0

    def add(self, stage, passed, failed, seconds, note=""):
        self.passed += passed
        self.failed += failed
        print(f"{stage:<12} {passed:5} passed {failed:3} failed {seconds:7.1f} s  {note}", flush=True)


def run(stage, command, timeout, env=None, cwd=TOP):
    """Runs one command with its output in the stage's log; returns (exit status, output)."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"{stage}.log", "a", encoding="utf-8", errors="replace") as log:
        log.write(f"$ {' '.join(map(str, command))}\n")
        log.flush()
        start = log.tell()
        try:
            status = subprocess.run(command, cwd=cwd, stdout=log, stderr=subprocess.STDOUT,
                                    stdin=subprocess.DEVNULL, timeout=timeout,
                                    env={**os.environ, **(env or {})}).returncode
        except subprocess.TimeoutExpired:
            log.write(f"\ntimed out after {timeout} s\n")
            status = 124
    with open(LOGS / f"{stage}.log", encoding="utf-8", errors="replace") as log:
        log.seek(start)
        return status, log.read()


def show_tail(output, lines=60):
    print("\n".join("    " + line[:LINE_MAX] for line in output.splitlines()[-lines:]), flush=True)


def build(preset, *priority):
    """What failed, as its output; None = nothing."""
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset]):
        status, output = run(f"build-{preset}", [*priority, *command], 2400)
        if status:
            return output
    return None


class Builds:
    """Builds one after the other beside the suites, which leave them half of the processors' time."""

    def __init__(self, presets):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.begun = {preset: self.pool.submit(build, preset, "nice", "-n", "19") for preset in presets}

    def result(self, preset):
        """As build(); it waits until that one is done."""
        return self.begun[preset].result() if preset in self.begun else build(preset)


def stage_build(tally, preset, builds=None):
    start = time.monotonic()
    failure = builds.result(preset) if builds else build(preset)
    if failure is not None:
        show_tail(failure)
    tally.add(f"build-{preset}", 0 if failure is not None else 1, 1 if failure is not None else 0, time.monotonic() - start)
    return failure is None


def stage_ctest(tally, preset, exclude=None, only=None):
    """Unit, golden and replay tests of one build."""
    start = time.monotonic()
    folder = "build" if preset == "release" else f"build-{preset}"
    command = ["ctest", "--test-dir", folder, "--output-on-failure", "-j2"]
    command += ["-E", exclude] if exclude else []
    command += ["-R", only] if only else []
    env = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1",
           "TSAN_OPTIONS": "halt_on_error=1"}
    status, output = run(f"ctest-{preset}", command, 1200, env)
    match = re.search(r"(\d+) tests failed out of (\d+)", output)
    failed, total = (int(match[1]), int(match[2])) if match else (1, 1)
    if status:
        show_tail(output, 120)
        failed = max(failed, 1)
    tally.add(f"ctest-{preset}", total - failed, failed, time.monotonic() - start)


def fuzz_one(target, seconds):
    corpus = TOP / "integration" / "corpus" / target.name.removesuffix("_fuzz")
    grown = TOP / "build-fuzz" / "corpus" / target.name
    grown.mkdir(parents=True, exist_ok=True)
    return run(f"fuzz-{target.name}", [target, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
                                       f"-artifact_prefix={grown}/crash-", grown, corpus], seconds + 120)


def stage_fuzz(tally, seconds):
    """Each parser of outside bytes for `seconds`, three at a time on each processor."""
    start = time.monotonic()
    targets = sorted((TOP / "build-fuzz" / "fuzz").glob("*_fuzz"))
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) * 3) as pool:
        results = list(pool.map(lambda target: fuzz_one(target, seconds), targets))
    failed = 0
    for target, (status, output) in zip(targets, results):
        if status:
            failed += 1
            print(f"  {target.name}: exit status {status}")
            show_tail(output, 40)
    tally.add("fuzz", len(targets) - failed, failed, time.monotonic() - start, f"{seconds} s a target")


def stage_source(tally):
    """What a machine can say of the sources: layers, length of files, format."""
    start = time.monotonic()
    failed = 0
    status, output = run("source", [TOP / "integration" / "layers"], 60)
    if status:
        failed += 1
        show_tail(output)
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=TOP, capture_output=True, text=True,
                            check=True).stdout.split()
    files = [f for f in listed if not f.startswith("gen/vectors/")]
    status, output = run("source", ["clang-format-14", "--dry-run", "--Werror", *files], 120)
    if status:
        failed += 1
        show_tail(output, 20)
    tally.add("source", 2 - failed, failed, time.monotonic() - start)


def stage_tidy(tally):
    """clang-tidy over every file we write, two at a time."""
    start = time.monotonic()
    listed = subprocess.run(["git", "ls-files", "*.c"], cwd=TOP, capture_output=True, text=True,
                            check=True).stdout.split()
    files = [f for f in listed if not f.startswith(("gen/vectors/", "integration/"))
             and not f.endswith("_fuzz.c")]
    halves = [files[0::2], files[1::2]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda part: run(f"tidy-{len(part)}-{part[0].replace('/', '_')}",
                                                 ["clang-tidy-14", "--quiet", "-p", "build-fuzz", *part],
                                                 1500), [h for h in halves if h]))
    failed = sum(1 for status, _ in results if status)
    for status, output in results:
        if status:
            show_tail("\n".join(line for line in output.splitlines() if "error" in line))
    tally.add("tidy", len(files) if not failed else 0, failed, time.monotonic() - start)


def make_venv():
    """The environment of the suites; False when it cannot be had."""
    if (VENV / "bin" / "pytest").exists():
        return True
    run("venv", ["/usr/bin/python3", "-m", "venv", VENV], 120)
    status, output = run("venv", [VENV / "bin" / "pip", "install", "-q", "-r",
                                  TOP / "integration" / "requirements.txt"], 600)
    if status:
        show_tail(output)
    if shutil.which("npm"):
        run("clients", [TOP / "integration" / "clients"], 600)  # what is not to be had is not tested
    return not status


def pytest_command(*arguments):
    return [VENV / "bin" / "pytest", "-q", "-ra", "-n", str(PYTEST_JOBS), "--dist", "loadgroup",
            "--timeout", "400", *arguments]


# LeakSanitizer looks for pointers in the registers of all threads of a process that ends. A thread that is killed
# at that moment (tests kill clients) has none any more, which the tracer says: it has found nothing.
NO_FINDING = re.compile(r"==\d+==Unable to get registers from thread \d+\.")


def is_finding(report):
    """Whether a sanitizer's report tells more than that a thread ended while it looked."""
    return any(line.strip() and not NO_FINDING.fullmatch(line.strip()) for line in report.splitlines())


def show_reports(folder):
    """What the sanitizers of all programs have found; returns how many such reports there are."""
    reports = [r for r in sorted(folder.iterdir()) if is_finding(r.read_text(encoding="utf-8", errors="replace"))]
    for report in reports[:REPORTS_SHOWN]:
        print(f"  {report.name}:")
        show_tail("\n".join(report.read_text(encoding="utf-8", errors="replace").splitlines()[:40]))
    return len(reports)


def add_pytest(tally, stage, start, status, output, note="", reports=0):
    """Counts what a run of pytest said in its last line, and each report of a sanitizer as a failure."""
    passed, failed = 0, reports
    summary = output.rstrip().splitlines()[-1] if output.strip() else ""
    for count, word in re.findall(r"(\d+) (passed|failed|errors?)", summary):
        if word == "passed":
            passed += int(count)
        else:
            failed += int(count)
    if status and not failed:
        failed = 1
    if failed:
        show_tail(output, 200)
    tally.add(stage, passed, failed, time.monotonic() - start, note)


def stage_pytest(tally, arguments, preset="release"):
    """The suites against real engines of one build. A sanitizer's report is a failure even if the test did
    not notice."""
    start = time.monotonic()
    stage = "pytest" if preset == "release" else f"pytest-{preset}"
    reports = TOP / f"build-{preset}" / "reports"
    env = {}
    if not make_venv():
        tally.add(stage, 0, 1, time.monotonic() - start, "no environment")
        return
    if preset != "release":
        env["CLEAT_BIN"] = str(TOP / f"build-{preset}" / "bin")
        for report in reports.iterdir():
            report.unlink()
    status, output = run(stage, pytest_command(TOP / "integration" / "suite", *arguments), 1800, env)
    add_pytest(tally, stage, start, status, output,
               reports=show_reports(reports) if preset != "release" else 0)


def stage_vm(tally, arguments):
    """What depends on the kernel, under Debian 12's own one and cgroup v2 alone."""
    start = time.monotonic()
    if vm.missing() or not make_venv():
        print(f"    {' '.join(vm.missing())} not found: integration/deps --vm installs it")
        tally.add("vm", 0, 1, time.monotonic() - start)
        return
    suite = TOP / "integration" / "suite"
    chosen = [suite / f"test_{name}.py" for name in VM_SUITES]
    chosen += [f"{suite}/test_{name}.py::test_{test}" for name, tests in VM_TESTS.items() for test in tests]
    command = vm.prepare(pytest_command("-p", "no:cacheprovider", *chosen, *arguments))
    _, console = run("vm", command, VM_TIMEOUT_S)
    status, output = vm.status(), vm.log()
    if status is None:
        output += f"\nthe guest came to no end\n{console}{vm.console()}"
    add_pytest(tally, "vm", start, status != 0, output, vm.OUT.joinpath("kernel").read_text(
        encoding="utf-8").strip() if status is not None else "")


def inventory():
    """What tests could leave behind on the host."""
    found = set()
    for proc in pathlib.Path("/proc").iterdir():
        if proc.name.isdigit():
            try:
                name = os.path.basename(os.readlink(proc / "exe"))
            except OSError:
                continue
            if name.startswith(("cleat", "protoc-gen-cleat")):
                found.add(f"process {proc.name} {name}")
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        point = line.split()[4]
        if "cleat" in line:
            found.add(f"mount {point}")
    for root, dirs, _ in os.walk("/sys/fs/cgroup"):
        for name in list(dirs):
            if name.startswith("cleat-"):
                found.add(f"cgroup {root}/{name}")
                dirs.remove(name)
    for name in ("/run/netns",):
        if os.path.isdir(name):
            found.update(f"netns {n}" for n in os.listdir(name) if "cleat" in n)
    found.update(f"file /tmp/{n}" for n in os.listdir("/tmp") if n.startswith("cleat-"))
    found.update(f"link {n}" for n in os.listdir("/sys/class/net") if n.startswith(("cleat", "cl-")))
    if shutil.which("nft"):
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
        found.update(line for line in tables.splitlines() if "cleat" in line)
    found.update(f"socket {n}" for n in re.findall(r"\S*cleat\S*$", pathlib.Path(
        "/proc/net/unix").read_text(encoding="utf-8"), re.M))
    return found


def stage_inventory(tally, before):
    start = time.monotonic()
    left = set()
    for _ in range(50):
        left = inventory() - before
        if not left:
            break
        time.sleep(0.1)
    for item in sorted(left):
        print(f"    left behind: {item}")
    tally.add("inventory", 0 if left else 1, 1 if left else 0, time.monotonic() - start)


STAGES = ["source", "release", "asan", "tsan", "fuzz", "tidy", "pytest", "pytest-asan", "pytest-tsan", "vm"]
# Presets with sanitizers, and the stages that need them.
SANITIZED = {"asan": {"asan", "pytest-asan"}, "tsan": {"tsan", "pytest-tsan"}, "fuzz": {"fuzz", "tidy"}}
DEFAULT_STAGES = ["source", "release", "pytest", "asan", "pytest-asan", "tsan", "fuzz"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", action="append", choices=STAGES, help="only these (repeatable)")
    parser.add_argument("--fuzz-seconds", type=int, default=60, metavar="N", help="per target (60)")
    parser.add_argument("--soak", action="store_true", help="the long repetitions too")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args()
    stages = options.stage or DEFAULT_STAGES
    tally = Tally()
    before = inventory()
    for log in LOGS.glob("*.log"):
        log.unlink()
    if "source" in stages:
        stage_source(tally)
    if {"release", "pytest", "vm"} & set(stages) and not stage_build(tally, "release"):
        stages = []
    if "release" in stages:
        stage_ctest(tally, "release")
    builds = Builds([p for p, of in SANITIZED.items() if of & set(stages)] if "pytest" in stages else [])
    if "pytest" in stages:
        stage_pytest(tally, [*(["--soak"] if options.soak else []), *options.pytest])
    if "vm" in stages:
        stage_vm(tally, options.pytest)
    if SANITIZED["asan"] & set(stages) and stage_build(tally, "asan", builds):
        if "asan" in stages:
            stage_ctest(tally, "asan")
        if "pytest-asan" in stages:
            stage_pytest(tally, options.pytest, "asan")
    if SANITIZED["tsan"] & set(stages) and stage_build(tally, "tsan", builds):
        if "tsan" in stages:
            stage_ctest(tally, "tsan", exclude="_fuzz$")
        if "pytest-tsan" in stages:
            stage_pytest(tally, options.pytest, "tsan")
    if SANITIZED["fuzz"] & set(stages) and stage_build(tally, "fuzz", builds):
        if "fuzz" in stages:
            stage_fuzz(tally, options.fuzz_seconds)
        if "tidy" in stages:
            stage_tidy(tally)
    stage_inventory(tally, before)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
