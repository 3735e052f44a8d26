#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bash offers while somebody types a command line of tidemark."""

import os
import subprocess

from lib import case, program
from lib.case import ours_only

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                      'data', 'bash-completion', 'tidemark')


@ours_only('has no completion')
class Completion(case.Case):

    def offered(self, *words):
        """Completions of the last of WORDS."""
        words = [os.path.abspath(os.path.join(
            program.build_dir(), 'tools', 'tidemark')), *words]
        quoted = ' '.join(f"'{w}'" for w in words)
        done = subprocess.run(
            ['bash', '-c', f'. {SCRIPT}\nCOMP_WORDS=({quoted})\n'
             f'COMP_CWORD={len(words) - 1}\n_tidemark\n'
             'printf "%s\\n" "${COMPREPLY[@]}"'],
            stdout=subprocess.PIPE, text=True, check=True, cwd=self.dir,
            timeout=program.TIMEOUT_S)
        return done.stdout.split()

    def test_sub_commands(self):
        found = self.offered('')
        for word in ('daemon', 'img', 'io', 'nbd', '--help'):
            self.assertIn(word, found)
        self.assertEqual(self.offered('nb'), ['nbd'])

    def test_img_commands(self):
        found = self.offered('img', '')
        for word in ('create', 'convert', 'info', 'bitmap', 'rebase'):
            self.assertIn(word, found)
        self.assertEqual(self.offered('img', 'conv'), ['convert'])

    def test_options(self):
        self.assertIn('--backing-chain', self.offered('img', 'info', '--'))
        self.assertEqual(self.offered('img', 'convert', '--target-is'),
                         ['--target-is-zero'])
        self.assertIn('--load-snapshot', self.offered('nbd', '--'))
        self.assertIn('--blockdev', self.offered('daemon', '--'))

    def test_values(self):
        found = self.offered('img', 'create', '-f', '')
        self.assertIn('qcow2', found)
        self.assertIn('raw', found)
        self.assertEqual(self.offered('img', 'convert', '-t', 'wri'),
                         ['writeback', 'writethrough'])
        self.assertEqual(self.offered('nbd', '--cache', '=', 'un'),
                         ['unsafe'])

    def test_files(self):
        with open(self.path('disk.qcow2'), 'wb'):
            pass
        self.assertEqual(self.offered('img', 'info', 'di'), ['disk.qcow2'])


if __name__ == '__main__':
    case.main()
