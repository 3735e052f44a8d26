#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the fuzz targets with libFuzzer and runs them.

Usage: run.py BUILD SECONDS [TARGET...]

SECONDS is the time of the whole run; each target gets its share. What is
learnt stays in BUILD/fuzz/learnt/TARGET for the next run. An input that breaks
something is kept in BUILD/fuzz/found/TARGET: copy it to tests/fuzz/found/TARGET
under a name that says what was wrong, and `make check` replays it for ever.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
TARGETS = ["qmp", "nbd-server", "nbd-client", "options", "qcow2-open",
           "qcow2-check", "qcow2-bitmaps"]
SETUP = ["-Dfuzz=true", "-Doptimization=1",
         "-Db_sanitize=address,undefined", "-Db_lundef=false"]
# An input that needs this long, or this much memory, is a failure, too.
INPUT_S = 20
MEMORY_MIB = 512


def build(folder):
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", *SETUP, str(folder), str(SOURCE)],
                       env={**os.environ, "CC": "clang-14"}, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(folder), "--quiet",
                    "tests/fuzz/corpus",
                    *(f"tests/fuzz/fuzz-{name}" for name in TARGETS)],
                   check=True)


def start(folder, name, seconds):
    learnt = folder / "learnt" / name
    found = folder / "found" / name
    for path in (learnt, found):
        path.mkdir(parents=True, exist_ok=True)
    env = {"ASAN_OPTIONS": "detect_stack_use_after_return=1",
           "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    command = [str(folder / "tests" / "fuzz" / f"fuzz-{name}"),
               f"-max_total_time={seconds}", f"-timeout={INPUT_S}",
               f"-rss_limit_mb={4 * MEMORY_MIB}",
               f"-malloc_limit_mb={MEMORY_MIB}",
               f"-artifact_prefix={found}/", "-print_final_stats=1",
               str(learnt), str(folder / "tests" / "fuzz" / "corpus" / name)]
    seeds = SOURCE / "tests" / "fuzz" / "found" / name
    if seeds.is_dir():
        command.append(str(seeds))
    with open(folder / f"{name}.log", "w", encoding="utf-8") as log:
        return subprocess.Popen(command, stdout=log, stderr=log,
                                env={**os.environ, **env})


def report(folder, name, code):
    log = (folder / f"{name}.log").read_text(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", log)
    print(f"{name:12} {runs[1] if runs else '?':>9} runs  "
          f"{'ok' if code == 0 else 'FAILED'}", flush=True)
    if code:
        print("".join(log.splitlines(keepends=True)[-60:]))
    return code == 0


def main():
    folder = Path(sys.argv[1]).resolve() / "fuzz"
    names = sys.argv[3:] or TARGETS
    at_once = min(os.cpu_count() or 1, len(names))
    rounds = -(-len(names) // at_once)
    seconds = max(1, int(sys.argv[2]) // rounds)
    good = True

    build(folder)
    for i in range(0, len(names), at_once):
        running = [(name, start(folder, name, seconds))
                   for name in names[i:i + at_once]]
        for name, process in running:
            good = report(folder, name, process.wait()) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
