#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs all tests of a build folder and ends with one line of totals.

Usage: check.py BUILD [meson test arguments...]

The stages, each with its own folder below BUILD:

    tests     everything, in the ordinary build; `make oracle` does what tries
              the block tests on Debian's QEMU: it races and crashes at times,
              and what it does says nothing of this tree
    asan      unit tests and short simulation, with clang's address, undefined
              behaviour and leak sanitizers
    tsan      unit tests, with clang's thread sanitizer
    valgrind  whole sessions of the daemon

With meson arguments, only `tests`. CHECK_STAGES="tests asan" chooses.

Each test program reports its cases in TAP; the totals count cases, not
programs. A program that dies before it reported counts as one failure. A stage
whose tool is missing counts as one skipped case, and says so.
"""
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
CLANG = "clang-14"
# What a stack that was left shows: a frame's memory that is used later.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect"]
# Times the limits of the tests: they are for programs at full speed.
SANITIZER_SLOWNESS = "8"
# Sessions with everything: nodes, bitmaps, jobs, exports, clients that vanish.
VALGRIND_TESTS = ["external-backup-2017", "nbd-exports"]


# --- meson -------------------------------------------------------------------

FAILURES = []


def count_cases(report):
    """(passed, failed, skipped) of a JUnit file, as meson writes it. The names
    of those that failed are kept, to be said last."""
    passed = failed = skipped = 0
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or \
                    case.find("error") is not None:
                failed += 1
                FAILURES.append(f"FAILED: {suite.get('name')}: "
                                f"{case.get('name')}")
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    return passed, failed, skipped


def run_meson(build, arguments, env=None):
    report = build / "meson-logs" / "testlog.junit.xml"
    report.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--print-errorlogs",
               *arguments]
    status = subprocess.run(command, check=False,
                            env={**os.environ, **(env or {})}).returncode
    if not report.exists():
        return 0, 1, 0
    passed, failed, skipped = count_cases(report)
    if status and not failed:
        failed = 1
    return passed, failed, skipped


def suites(build, wanted):
    """Those of WANTED that the build has, as arguments."""
    listed = subprocess.run(["meson", "test", "-C", str(build), "--list"],
                            check=True, capture_output=True, text=True).stdout
    return [argument for name in wanted if f":{name} /" in listed
            for argument in ("--suite", name)]


def sanitized(build, sanitizers, wanted):
    if not shutil.which(CLANG):
        print(f"skipped: {CLANG} is missing")
        return 0, 0, 1
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(build), str(SOURCE),
                        f"-Db_sanitize={sanitizers}", "-Db_lundef=false",
                        "-Doptimization=1"],
                       env={**os.environ, "CC": CLANG}, check=True,
                       stdout=subprocess.DEVNULL)
    return run_meson(build, ["--timeout-multiplier", SANITIZER_SLOWNESS,
                             *suites(build, wanted)], SANITIZER_ENV)


# --- stages ------------------------------------------------------------------

def stage_tests(build, arguments):
    return run_meson(build, ["--no-rebuild", *(arguments or
                                               ["--no-suite", "oracle"])])


def stage_asan(build, _):
    return sanitized(build / "asan", "address,undefined", ["unit", "sim"])


def stage_tsan(build, _):
    return sanitized(build / "tsan", "thread", ["unit"])


def stage_valgrind(build, _):
    """The block tests, with a daemon that is valgrind's: it ends with a code
    of its own if it finds something, and the tests look at the code."""
    if not shutil.which("valgrind"):
        print("skipped: valgrind is missing")
        return 0, 0, 1
    compat = build / "valgrind" / "compat"
    compat.mkdir(parents=True, exist_ok=True)
    for link in (build / "compat").iterdir():
        wrapper = compat / link.name
        wrapper.unlink(missing_ok=True)
        if link.name == "qemu-storage-daemon":
            wrapper.write_text(
                "#!/bin/sh\n"
                "# It does not know io_uring.\n"
                "TIDEMARK_REACTOR=epoll exec " + " ".join(VALGRIND) +
                f' "{link.resolve()}" daemon "$@"\n')
            wrapper.chmod(0o755)
        else:
            wrapper.symlink_to(link)
    out = subprocess.run(
        [sys.executable, str(SOURCE / "tests" / "qemu-iotests" / "run.py"),
         "--build", str(build / "valgrind"), *VALGRIND_TESTS],
        check=False, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "IOTEST_TIMEOUT": "240"}).stdout
    print(out, end="")
    totals = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\n*\Z", out)
    return tuple(map(int, totals.groups())) if totals else (0, 1, 0)


STAGES = {"tests": stage_tests, "asan": stage_asan, "tsan": stage_tsan,
          "valgrind": stage_valgrind}


def main():
    build = Path(sys.argv[1]).resolve()
    arguments = sys.argv[2:]
    names = ["tests"] if arguments else \
        os.environ.get("CHECK_STAGES", " ".join(STAGES)).split()
    totals, lines = [0, 0, 0], []

    for name in names:
        begin = time.monotonic()
        print(f"--- {name}", flush=True)
        counts = STAGES[name](build, arguments)
        totals = [a + b for a, b in zip(totals, counts)]
        lines.append("{:9} {} passed, {} failed, {} skipped, {:.0f} s".format(
            name, *counts, time.monotonic() - begin))
    print("\n".join(["", *FAILURES, *lines]))
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
