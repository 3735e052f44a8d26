#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A monitor for people: banner, prompt, and the echo of what is typed."""

import subprocess

from lib import case, hmp, program
from lib.program import TIMEOUT_S

BANNER = "QEMU 7.2.22 monitor - type 'help' for more information\r\n"


def talk(case_, typed):
    """What a monitor on standard input and output sends to who types this,
    then quit."""
    done = subprocess.run([program.find('qemu-system-x86_64'),
                           *hmp.EMPTY_MACHINE, '-monitor', 'stdio'],
                          input=typed + b'quit\n',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=case_.dir, timeout=TIMEOUT_S, check=True)
    return done.stdout.decode()


class Readline(case.Case):

    def assert_talk(self, typed, *lines):
        """LINES: what comes between the banner and quit."""
        self.assertEqual(talk(self, typed), BANNER + ''.join(lines)
                         + hmp.echo('quit'), typed)

    def assert_same(self, typed, line, keys):
        """After TYPED the line is LINE: KEYS are what the editor sends."""
        self.assert_talk(typed + b'\n', '(qemu) ' + keys + '\r\n',
                         f"unknown command: '{line}'\r\n")

    def test_lines(self):
        self.assert_talk(b'')
        self.assert_talk(b'\n', hmp.echo(''))
        self.assert_talk(b'foo\ninfo block-jobs\n', hmp.echo('foo'),
                         "unknown command: 'foo'\r\n",
                         hmp.echo('info block-jobs'), 'No active jobs\r\n')

    def test_waits_for_a_migration(self):
        self.assert_talk(b'migrate exec:cat>/dev/null\ninfo status\n',
                         hmp.echo('migrate exec:cat>/dev/null'),
                         hmp.echo('info status'),
                         'VM status: paused (postmigrate)\r\n')
        failed = ("qemu-system-x86_64: Failed to connect to 'nosuch': No such "
                  'file or directory\n')
        self.assert_talk(b'migrate unix:nosuch\ninfo status\n',
                         hmp.echo('migrate unix:nosuch'), failed, failed,
                         hmp.echo('info status'), 'VM status: running\r\n')

    def test_return_ends_a_line_too(self):
        self.assert_talk(b'foo\r\n', hmp.echo('foo'),
                         "unknown command: 'foo'\r\n", hmp.echo(''))

    def test_delete(self):
        self.assert_same(b'fo\x7fa', 'fa',
                         'f\x1b[K\x1b[Dfo\x1b[K\x1b[D\x1b[Df\x1b[K\x1b[Dfa'
                         '\x1b[K')
        self.assert_same(b'af\x01\x04', 'f',
                         'a\x1b[K\x1b[Daf\x1b[K\x1b[D\x1b[Df\x1b[K\x1b[D')
        self.assert_same(b'af\x01\x1b[3~', 'f',
                         'a\x1b[K\x1b[Daf\x1b[K\x1b[D\x1b[Df\x1b[K\x1b[D')

    def test_move(self):
        self.assert_same(b'fo\x1b[Da', 'fao',
                         'f\x1b[K\x1b[Dfo\x1b[K\x1b[D\x1b[Dfao\x1b[K\x1b[D')
        self.assert_same(b'fo\x01\x05a', 'foa',
                         'f\x1b[K\x1b[Dfo\x1b[K\x1b[D\x1b[D\x1b[C\x1b[C\x1b[D'
                         '\x1b[Dfoa\x1b[K')

    def test_keys_that_do_nothing(self):
        for keys in (b'\x02', b'\x0b', b'\x10', b'\x1bx', b'\x1b[H', b'\x1b[5~',
                     b'\x1bOC', b'\x1bOA'):
            self.assert_same(b'a' + keys + b'b', 'ab',
                             'a\x1b[K\x1b[Dab\x1b[K')

    def test_history(self):
        said = "unknown command: 'ab'\r\n"
        self.assert_talk(b'ab\n\x1b[A\n\x1b[A\x1b[B\x1b[A\n', hmp.echo('ab'), said,
                         '(qemu) ab\x1b[K\r\n', said,
                         '(qemu) ab\x1b[K\x1b[D\x1b[D\x1b[Kab\x1b[K\r\n', said)

    def test_clear_screen(self):
        self.assert_same(b'a\x0cb', 'ab', 'a\x1b[K\x1b[2J\x1b[1;1H(qemu) '
                                          'a\x1b[K\x1b[Dab\x1b[K')

    def test_completion(self):
        # One word fits: it is finished.
        self.assert_talk(
            b'info block-j\t\n', hmp.echo('info block-j')[:-2],
            '\x1b[D' * 12, 'info block-jobs \x1b[K\r\nNo active jobs\r\n')
        # Several do: they are listed.
        text = talk(self, b'block_job_\t\x17\n')
        self.assertIn('block_job_cancel     block_job_complete   '
                      'block_job_pause      \r\n', text)

    def test_end_of_input_ends_nothing(self):
        """The program goes on; here it is told to end by QMP."""
        vm = hmp.start(self, '-monitor', 'stdio')
        vm.cmd('query-version')
        self.assertTrue(vm.stdout().startswith(BANNER.replace('\r', '')
                                              + '(qemu) '))
        vm.quit()


if __name__ == '__main__':
    case.main()
