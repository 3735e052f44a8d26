#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tidemark monitor: commands to a running program, from options, a pipe, and
a terminal."""

import json
import os
import pty
import select
import signal
import subprocess
import time

from lib import case, images, program
from lib.case import ours_only
from lib.images import MIB
from lib.program import TIMEOUT_S


def tidemark():
    return os.path.join(program.build_dir(), 'tools', 'tidemark')


class Terminal:
    """A person at a terminal: types, and waits for what is to be seen."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ['TERM'] = 'xterm'
            os.execv(argv[0], argv)
        self.seen = ''

    def wait_for(self, text):
        end = time.monotonic() + TIMEOUT_S
        while text not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f'{text!r} not in {self.seen!r}')
            self.seen += os.read(self.fd, 4096).decode()
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """The exit status."""
        try:
            while select.select([self.fd], [], [], TIMEOUT_S)[0]:
                os.read(self.fd, 4096)
            os.kill(self.pid, signal.SIGKILL)
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@ours_only('it has no such program')
class MonitorTool(case.Case):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        self.qmp_path, self.hmp_path = self.path('qmp'), self.path('hmp')
        self.vm = self.daemon(
            '--blockdev', 'raw,node-name=node0,file.driver=file,'
            'file.filename=a.img',
            '--chardev', f'socket,id=q,path={self.qmp_path},server=on,wait=off',
            '--monitor', 'q',
            '--chardev', f'socket,id=h,path={self.hmp_path},server=on,wait=off',
            '--monitor', 'chardev=h,mode=readline')

    def tool(self, *args, typed=None):
        done = subprocess.run([tidemark(), 'monitor', *args], input=typed,
                              stdin=None if typed else subprocess.DEVNULL,
                              capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        return done.stdout, done.stderr, done.returncode

    def test_commands_for_people(self):
        """Whatever the socket speaks."""
        for path in (self.qmp_path, self.hmp_path):
            self.assertEqual(
                self.tool(path, '-c', 'info block-jobs', '-c',
                          'info block node0'),
                ('No active jobs\nnode0: a.img (raw)\n'
                 '    Cache mode:       writeback\n', '', 0))

    def test_lines_of_a_pipe(self):
        for path in (self.qmp_path, self.hmp_path):
            self.assertEqual(
                self.tool(path, typed='info block-jobs\n\ninfo exports\n'),
                ('No active jobs\nNo exports\n', '', 0))

    def test_failures_are_told(self):
        for path in (self.qmp_path, self.hmp_path):
            self.assertEqual(self.tool(path, '-c', 'foo', '-c', 'info jobs'),
                             ("unknown command: 'foo'\nNo jobs\n", '', 1))
            self.assertEqual(
                self.tool(path, '-c', 'object_del x'),
                ("Error: object 'x' not found\n", '', 1))

    def test_requests(self):
        out, err, code = self.tool(
            '--qmp', self.qmp_path, '-c',
            'block-dirty-bitmap-add node=node0 name=b0 granularity=4096',
            '-c', '{"execute": "query-named-block-nodes"}')
        self.assertEqual((err, code), ('', 0))
        empty, rest = out.split('\n}\n', 1)
        self.assertEqual(json.loads(empty + '}'), {'return': {}})
        nodes = json.loads(rest)['return']
        self.assertEqual(
            [bitmap['granularity'] for node in nodes
             for bitmap in node.get('dirty-bitmaps', [])], [4096])

    def test_requests_nested_and_refused(self):
        out, err, code = self.tool(
            '--qmp', self.qmp_path, '-c',
            'blockdev-add driver=raw node-name=n1 size=512 file.driver=null-co '
            'file.size=1024', '-c', 'blockdev-del node-name=n2')
        self.assertEqual((err, code), ('', 1))
        self.assertIn("Failed to find node with node-name='n2'", out)
        self.assertIn('n1', str(self.vm.cmd('query-named-block-nodes')))
        self.assertEqual(self.tool('--qmp', self.qmp_path, '-c', 'stop x'),
                         ('', "tidemark: 'x' is not KEY=VALUE\n", 1))

    def test_wrong_socket(self):
        out, err, code = self.tool(self.path('nosuch'), '-c', 'help')
        self.assertEqual((out, code), ('', 1))
        self.assertIn('nosuch', err)
        out, err, code = self.tool('--qmp', self.hmp_path, '-c', 'help')
        self.assertEqual((out, err, code), (
            '', f'tidemark: {self.hmp_path}: that monitor speaks HMP; leave '
                '--qmp away\n', 1))

    def test_quit(self):
        self.assertEqual(self.tool(self.qmp_path, '-c', 'quit'), ('', '', 0))
        self.assertEqual(self.vm.wait(), 0)

    # -- at a terminal

    def test_person(self):
        term = Terminal(tidemark(), 'monitor', self.qmp_path)
        term.wait_for('(tidemark) ')
        term.type('info block-jobs\n')
        term.wait_for('No active jobs\r\n')
        term.wait_for('(tidemark) ')
        # The last line again.
        term.type('\x1b[A\n')
        term.wait_for('No active jobs\r\n')
        term.wait_for('(tidemark) ')
        term.type('\x04')
        self.assertEqual(term.end(), 0)

    def test_completion(self):
        term = Terminal(tidemark(), 'monitor', self.hmp_path)
        term.wait_for('(tidemark) ')
        term.type('inf\tblock-\t\n')
        term.wait_for('No active jobs\r\n')
        term.wait_for('(tidemark) ')
        term.type('info block no\t\n')
        term.wait_for('node0: a.img (raw)\r\n')
        term.wait_for('(tidemark) ')
        term.type('quit\n')
        self.assertEqual(term.end(), 0)
        self.assertEqual(self.vm.wait(), 0)

    def test_person_with_requests(self):
        term = Terminal(tidemark(), 'monitor', '--qmp', self.qmp_path)
        term.wait_for('(QMP) ')
        term.type('query-vers\t\n')
        term.wait_for('"micro": 22')
        term.wait_for('(QMP) ')
        term.type('\x04')
        self.assertEqual(term.end(), 0)


if __name__ == '__main__':
    case.main()
