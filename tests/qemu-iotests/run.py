#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the block tests in parallel and prints what passed.

    run.py [--oracle] [--build DIR] [-j N] [--flavour F]... [--tap] [NAME...]

Without names, all tests of this directory. The workflow tests run on each
flavour of disk that is asked for (lib/flavour.py), on all by default. --tap
prints the TAP output of the one named test as it comes (that is how meson
calls this).
"""

import argparse
import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys

from lib import flavour

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT_S = 300


def test_names():
    paths = glob.glob(os.path.join(HERE, '*.py'))
    names = [os.path.basename(p)[:-3] for p in paths]
    return sorted(n for n in names if n != 'run')


def command(name):
    return [sys.executable, os.path.join(HERE, name + '.py')]


def end_group(leader):
    """Ends what the test LEADER started and left behind."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def with_flavours(names, flavours):
    """(name, flavour) of all runs; None where it makes no difference."""
    return [(name, kind) for name in names for kind in
            (flavours if name.startswith('workflow-') else [None])]


def run_one(run):
    """Runs a test file; (what was run, exit code, its output).

    It gets a process group of its own, so that nothing outlives it, however
    it ends."""
    name, kind = run
    env = dict(os.environ, IOTEST_FLAVOUR=kind) if kind else None
    name += f' ({kind})' if kind else ''
    with subprocess.Popen(command(run[0]), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=env,
                          start_new_session=True) as child:
        try:
            out, _ = child.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            end_group(child.pid)
            out, _ = child.communicate()
            out += f'\n# ended after {LIMIT_S} seconds\n'
            return name, 1, out
        finally:
            end_group(child.pid)
    return name, child.returncode, out


def count(out):
    """(passed, failed, skipped) in a TAP text."""
    skipped = len(re.findall(r'^ok .*# SKIP', out, re.M))
    passed = len(re.findall(r'^ok ', out, re.M)) - skipped
    failed = len(re.findall(r'^not ok ', out, re.M))
    planned = re.search(r'^1\.\.(\d+)', out, re.M)
    if planned is None:
        failed = max(failed, 1)
    else:
        failed += max(0, int(planned[1]) - passed - failed - skipped)
    return passed, failed, skipped


def run_all(runs, jobs, verbose):
    totals = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, code, out in pool.map(run_one, runs):
            counts = count(out)
            bad = code != 0 or counts[1] != 0
            if code != 0 and counts[1] == 0:
                counts = (counts[0], 1, counts[2])
            totals = [a + b for a, b in zip(totals, counts)]
            word = 'FAIL' if bad else 'ok'
            print(f'{word:5}{name:32} {counts[0]} passed, {counts[1]} '
                  f'failed, {counts[2]} skipped', flush=True)
            if bad or verbose:
                print(out)
    print('{} passed, {} failed, {} skipped'.format(*totals))
    return totals[1] == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--oracle', action='store_true',
                        help="test Debian's QEMU instead of a build")
    parser.add_argument('--build', help='the build directory to test')
    parser.add_argument('-j', '--jobs', type=int, default=os.cpu_count())
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('--flavour', action='append', choices=flavour.ALL,
                        help='disks of the workflow tests; may be repeated')
    parser.add_argument('--tap', action='store_true',
                        help='print the TAP output of one test')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    os.environ.pop('IOTEST_AGAIN', None)
    os.environ['IOTEST_ORACLE'] = '1' if options.oracle else '0'
    if options.build:
        os.environ['IOTEST_BUILD'] = os.path.abspath(options.build)
    known = test_names()
    names = options.names or known
    unknown = [n for n in names if n not in known]
    if unknown:
        parser.error(f'no such test: {", ".join(unknown)}')
    if options.tap:
        if len(names) != 1:
            parser.error('--tap takes one name')
        if options.flavour:
            os.environ['IOTEST_FLAVOUR'] = options.flavour[0]
        argv = command(names[0])
        os.execv(argv[0], argv)
    runs = with_flavours(names, options.flavour or flavour.ALL)
    sys.exit(0 if run_all(runs, options.jobs, options.verbose) else 1)


if __name__ == '__main__':
    main()
