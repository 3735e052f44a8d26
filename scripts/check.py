#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs all tests of a build folder and ends with one line of totals.

Usage: check.py BUILD [meson test arguments...]

Each test program reports its cases in TAP; the totals count cases, not
programs. A program that dies before it reported counts as one failure.
"""
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def run_tests(build, arguments):
    command = ["meson", "test", "-C", str(build), "--no-rebuild",
               "--print-errorlogs", *arguments]
    return subprocess.run(command, check=False).returncode


def count_cases(report):
    """(passed, failed, skipped) of a JUnit file, as meson writes it."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or \
                case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    build = Path(sys.argv[1])
    report = build / "meson-logs" / "testlog.junit.xml"
    report.unlink(missing_ok=True)
    status = run_tests(build, sys.argv[2:])
    passed, failed, skipped = count_cases(report)
    if status and not failed:
        failed = 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
