#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The short simulation: every scenario with some seeds, each twice; the seeds
that found something once; and every planted fault, which must be found.

Usage: test-sim.py SIM REGRESSIONS
"""
import os
import subprocess
import sys
from pathlib import Path

SEEDS = 40
FIND_WITHIN = 200

# Which scenario finds which fault (see PLANTED in the sources).
PLANTS = [
    ("bit-before-data", "converge"),
    ("copy-does-not-wait", "backup"),
    ("done-before-write", "backup"),
    ("lost-wakeup", "quiesce"),
    ("gate-left-open", "quiesce"),
    ("undo-forgotten", "bitmaps"),
    ("merge-drops-last-word", "bitmaps"),
    ("done-before-flush", "writes"),
    ("filter-keeps-flush", "backup"),
    ("frozen-not-waited", "fleecing"),
    ("broken-not-seen", "fleecing"),
    ("reader-not-seen", "lease"),
    ("copy-up-shared", "chain"),
    ("commit-leaves-zeroes", "chain"),
]


# What is freed must not stay in caches that count as used.
ENVIRONMENT = {**os.environ, "G_SLICE": "always-malloc",
               "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


def run(sim, *arguments):
    return subprocess.run([sim, *arguments], check=False, timeout=300,
                          env=ENVIRONMENT,
                          capture_output=True, text=True)


def scenario_names(sim):
    lines = run(sim).stderr.splitlines()[1:]
    return [line.split()[0] for line in lines]


def regressions(path):
    for line in Path(path).read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield words


def cases(sim, regression_file):
    for name in scenario_names(sim):
        yield (f"{name}, {SEEDS} seeds, two equal traces, no memory left", 0,
               [name, "--seeds", str(SEEDS), "--twice", "--memory"])
    for name, seed in regressions(regression_file):
        yield f"{name}, seed {seed}", 0, [name, "--seed", seed]
    for plant, name in PLANTS:
        yield (f"{name} finds {plant}", 1,
               [name, "--seeds", str(FIND_WITHIN), "--plant", plant])


def main():
    sim, regression_file = sys.argv[1:]
    failed = number = 0
    for number, (title, status, arguments) in enumerate(
            cases(sim, regression_file), 1):
        result = run(sim, *arguments)
        good = result.returncode == status and \
            (status == 0) == ("FOUND" not in result.stderr)
        print(f"{'ok' if good else 'not ok'} {number} - {title}", flush=True)
        if not good:
            failed += 1
            for line in (result.stdout + result.stderr).splitlines()[-70:]:
                print("#", line)
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
