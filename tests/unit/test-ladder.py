#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No room includes a header of a room above it (docs/devel/map.md), and only
back ends call the clock, random numbers, files and sockets directly.

Usage: test-ladder.py SOURCE_ROOT
"""
import re
import sys
from pathlib import Path

# A rung each, lowest first; the first prefix that fits a path counts.
LADDER = [
    ["util/"],
    ["qapi/", "nbd/"],
    ["text/"],
    ["objects/"],
    ["block/graph/", "block/io/", "block/bitmap/"],
    ["block/file/", "block/net/", "block/copy/"],
    ["block/filter/", "block/qcow2/", "block/test-drivers/",
     "block/luks/"],
    ["block/drivers.c", "block/object-classes.c"],
    ["block/backend/"],
    ["io-commands/"],
    ["block/job/"],
    ["block/export/"],
    ["devices/"],
    ["migration/"],
    ["monitor/", "blockdev.c"],
    ["tools/"],
]
SOURCES = ["util", "qapi", "nbd", "text", "objects", "block",
           "io-commands", "devices", "migration", "monitor", "tools"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

# What only util/reactor/ may call: everything else goes through it, so that a
# simulated clock, disk and network can step in.
SYSTEM = ["clock_gettime", "gettimeofday", "time", "random", "rand",
          "getrandom", "open", "openat", "socket", "bind", "listen", "accept",
          "accept4", "connect", "usleep", "nanosleep", "sleep", "fopen",
          "g_get_real_time", "g_get_monotonic_time", "g_usleep",
          r"g_date_time_new_now\w*", r"g_rand\w*", "g_fopen",
          r"g_file_[gs]et_contents"]
SYSTEM_CALL = re.compile(r"(?<![\w>.])(" + "|".join(SYSTEM) + r")\s*\(")
SYSTEM_ROOMS = ("util/reactor/",)
# Files of objects, which no disk depends on: certificates, secrets.
FILE_CALLS = {"fopen", "g_file_get_contents"}
OBJECT_FILES = {"util/tls/tls-check.c", "util/tls/tls-creds.c",
                "objects/secret-bytes.c"}
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.DOTALL)


def rung(path):
    for number, prefixes in enumerate(LADDER):
        if any(path.startswith(prefix) for prefix in prefixes):
            return number
    return None


def source_files(root):
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.[ch]")):
            yield path.relative_to(root).as_posix(), path
    for path in sorted(root.glob("*.c")):
        yield path.name, path


def steps_up(root):
    for name, path in source_files(root):
        own = rung(name)
        if own is None:
            yield f"{name}: no rung of the ladder"
            continue
        for header in INCLUDE.findall(path.read_text()):
            other = rung(header)
            if other is not None and other > own:
                yield f"{name} includes {header}, which is above it"


def direct_calls(root):
    for name, path in source_files(root):
        if name.startswith(SYSTEM_ROOMS):
            continue
        code = COMMENT_OR_TEXT.sub(" ", path.read_text())
        for call in SYSTEM_CALL.findall(code):
            # A member or parameter of that name is declared, not called.
            if name not in OBJECT_FILES or call not in FILE_CALLS:
                yield f"{name} calls {call}()"


def check_self():
    """The rules catch what they are there for."""
    assert rung("block/graph/node.h") < rung("block/job/job.h")
    assert SYSTEM_CALL.search("fd = open(path, 0);")
    assert SYSTEM_CALL.search("n = g_random_int();")
    assert not SYSTEM_CALL.search("io_open(path, 0); s->open(x); a.open(y);")


def report(number, what, problems):
    problems = list(problems)
    for problem in problems:
        print(f"# {problem}")
    print(f"{'not ok' if problems else 'ok'} {number} - {what}")
    return not problems


def main():
    root = Path(sys.argv[1])
    check_self()
    print("1..2")
    ok = report(1, "no include goes up the ladder", steps_up(root))
    ok &= report(2, "only back ends call the system directly",
                 direct_calls(root))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
