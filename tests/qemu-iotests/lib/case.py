# SPDX-License-Identifier: GPL-2.0-or-later
"""The base of all test cases, and the main() that prints TAP."""

import argparse
import os
import shutil
import sys
import tempfile
import traceback
import unittest

from . import program
from .daemon import Daemon
from .qmp import QMPError


def later(what):
    """Skips a test unless under --oracle: ours refuses WHAT by name."""
    return unittest.skipUnless(program.is_oracle(), f'not offered: {what}')


def choose_base():
    """Where test directories are made: in memory where that is enough."""
    base = os.environ.get('IOTEST_DIR') or os.environ.get('TMPDIR')
    if base:
        return base
    shm = '/dev/shm'
    try:
        room = os.statvfs(shm)
        with tempfile.NamedTemporaryFile(dir=shm) as probe:
            # Older kernels have no O_DIRECT there.
            os.close(os.open(probe.name, os.O_RDWR | os.O_DIRECT))
    except OSError:
        return None
    return shm if room.f_bavail * room.f_frsize > 1 << 30 else None


def ours_only(why):
    """Skips a test under --oracle. WHY says what QEMU 7.2 does instead."""
    return unittest.skipIf(program.is_oracle(), f'QEMU 7.2: {why}')


def report(test, outcome, result):
    """Tells RESULT how TEST ended, which has passed or was skipped."""
    result.startTest(test)
    for _, reason in outcome.skipped:
        result.addSkip(test, reason)
    if not outcome.skipped:
        result.addSuccess(test)
    result.stopTest(test)


class Case(unittest.TestCase):
    """A test with a directory of its own (`dir`) and daemons that end."""

    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='iotest-', dir=choose_base())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def run(self, result=None):
        """Under --oracle, what fails is tried once more.

        QEMU has races of its own (it dies now and then when a mirror that is
        ready is cancelled by force). They are not what is tested; where ours
        is tested, each failure counts.
        """
        if not program.is_oracle() or result is None:
            return super().run(result)
        first = unittest.TestResult()
        super().run(first)
        if first.wasSuccessful():
            report(self, first, result)
            return result
        for _, trace in first.errors + first.failures:
            print('# once more, since: ' + trace.strip().splitlines()[-1])
        return super().run(result)

    def path(self, name):
        return os.path.join(self.dir, name)

    def daemon(self, *args, **kwargs):
        """A daemon that is ended, and its end checked, after the test."""
        daemon = Daemon(self.dir, *args, **kwargs)
        self.addCleanup(daemon.end)
        return daemon

    # -- QMP

    def assert_error(self, target, command, args, desc, cls='GenericError'):
        """COMMAND must fail with exactly this text and class."""
        reply = target.execute(command, args)
        self.assertEqual(reply, {'error': {'class': cls, 'desc': desc}},
                         f'{command} {args}')

    def assert_qmp_fails(self, target, command, args):
        """COMMAND must fail; the error comes back."""
        with self.assertRaises(QMPError) as caught:
            target.cmd(command, args)
        return caught.exception


class TapResult(unittest.TestResult):
    """Prints one TAP line a test, with the reasons as comments."""

    def __init__(self):
        super().__init__()
        self.number = 0

    @staticmethod
    def _name(test):
        return test.id().replace('__main__.', '').replace('#', '')

    def _print(self, verdict, test, suffix=''):
        self.number += 1
        print(f'{verdict} {self.number} - {self._name(test)}{suffix}',
              flush=True)

    def _complain(self, test, err):
        lines = ''.join(traceback.format_exception(*err)).splitlines()
        # A second failure of one test (its clean-up) has no line left.
        if getattr(test, 'tap_failed', False):
            print(f'# and then, in {self._name(test)}:')
        else:
            test.tap_failed = True
            self._print('not ok', test)
        for line in lines:
            print('# ' + line[:2000])
        sys.stdout.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self._print('ok', test)

    def addError(self, test, err):
        super().addError(test, err)
        self._complain(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._complain(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print(f'# in {self._name(subtest)}:')
            self._complain(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._print('ok', test, f' # SKIP {reason}')


def main():
    """Runs the tests of the file that calls this; ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--oracle', action='store_true',
                        help="test Debian's QEMU")
    parser.add_argument('--build', help='test the programs of this build')
    parser.add_argument('only', nargs='*', help='parts of test names')
    options = parser.parse_args()
    if options.oracle:
        os.environ['IOTEST_ORACLE'] = '1'
    if options.build:
        os.environ['IOTEST_BUILD'] = options.build
    # Decorators were evaluated when the module was loaded: start it anew
    # so that they see the choice.
    if (options.oracle or options.build) and \
            os.environ.get('IOTEST_AGAIN') != '1':
        os.environ['IOTEST_AGAIN'] = '1'
        os.execv(sys.executable, [sys.executable] + sys.argv)

    suite = unittest.TestSuite()
    for test in flatten(unittest.defaultTestLoader.loadTestsFromModule(
            sys.modules['__main__'])):
        if not options.only or any(o in test.id() for o in options.only):
            suite.addTest(test)
    print('TAP version 13')
    print(f'1..{suite.countTestCases()}', flush=True)
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item
