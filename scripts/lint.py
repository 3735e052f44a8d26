#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the product's C without running it; says what is wrong, or nothing.

Usage: lint.py BUILD [STAGE...]

    roles     clang: who may call what on which thread (util/annotations.h)
    format    clang-format: .clang-format
    tidy      clang-tidy: .clang-tidy
    cppcheck

BUILD is an ordinary build folder; its compile_commands.json says how each file
is compiled. A finding that is none is suppressed where it stands, with the
reason.
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
ROOMS = ["util", "qapi", "nbd", "text", "objects", "block", "monitor",
         "tools", "blockdev.c"]
GCC_ONLY = ("-fdiagnostics-color=always", "-pipe")
CPPCHECK = ["cppcheck", "--quiet", "--error-exitcode=1", "--inline-suppr",
            "--enable=warning,portability", "--std=c11",
            "--library=gtk", "--suppress=missingInclude",
            # GLib's ways of ending a function are not all known to it.
            "--suppress=unknownMacro",
            # It takes the ends of our circular lists for objects.
            "--suppress=nullPointerArithmetic",
            # It does not see what a function behind a pointer fills in;
            # clang's analyzer does.
            "--suppress=uninitvar"]


def product_files(build):
    """(path, arguments of its compilation), each once."""
    commands = json.loads((build / "compile_commands.json").read_text())
    files = {}
    for command in commands:
        path = (build / command["file"]).resolve()
        if path.suffix != ".c" or not path.is_relative_to(SOURCE):
            continue
        if path.relative_to(SOURCE).parts[0] in ROOMS:
            words = shlex.split(command["command"])
            words = words[2 if words[0].endswith("ccache") else 1:]
            files.setdefault(path, [word for word in words[:words.index("-o")]
                                    if word not in GCC_ONLY])
    return sorted(files.items())


def in_parallel(build, argv_of, files):
    """Runs a command a file; what they print. True if all ended well."""
    def run(item):
        return subprocess.run(argv_of(*item), cwd=build, check=False,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    good = True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(run, files):
            if done.returncode:
                print(done.stdout, end="")
                good = False
    return good


def roles(build):
    return in_parallel(build, lambda path, args: [
        "clang-14", *args, "-DTIDEMARK_THREAD_SAFETY", "-Wthread-safety",
        "-Werror=thread-safety", "-Wno-ignored-attributes", "-fsyntax-only",
        str(path)], product_files(build))


def format_(build):
    paths = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=SOURCE,
                           check=True, capture_output=True,
                           text=True).stdout.split()
    return subprocess.run(["clang-format-14", "--dry-run", "-Werror", *paths],
                          cwd=SOURCE, check=False).returncode == 0


def tidy(build):
    return in_parallel(build, lambda path, args: [
        "clang-tidy-14", "--quiet", "--warnings-as-errors=*", str(path), "--",
        *args], product_files(build))


def cppcheck(build):
    def argv(path, args):
        macros = [a for a in args if a.startswith(("-D", "-I"))]
        return [*CPPCHECK, *macros, str(path)]
    return in_parallel(build, argv, product_files(build))


STAGES = {"roles": roles, "format": format_, "tidy": tidy,
          "cppcheck": cppcheck}


def main():
    build = Path(sys.argv[1]).resolve()
    good = True
    for name in sys.argv[2:] or STAGES:
        fine = STAGES[name](build)
        print(f"{name:9} {'ok' if fine else 'FAILED'}", flush=True)
        good = fine and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
