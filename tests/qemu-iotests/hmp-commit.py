#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HMP commit: what an image holds goes into the one behind it, the image is
emptied, and nobody sees a difference."""

import json

from lib import case, hmp, tools
from lib.images import MIB

IN_USE = 'Device or resource busy'


class Commit(case.Case):

    def setUp(self):
        super().setUp()
        for words in (['base.img', '4M'],
                      ['-b', 'base.img', '-F', 'qcow2', 'mid.img'],
                      ['-b', 'mid.img', '-F', 'qcow2', 'top.img', '8M'],
                      ['other.img', '4M']):
            tools.img('create', '-q', '-f', 'qcow2', *words, cwd=self.dir)

    def start(self, *drives):
        return hmp.start(self, *[word for text in drives
                                 for word in ('-drive', text)])

    def holds(self, name):
        """Which areas NAME itself holds, as (start, length)."""
        done = tools.img('map', '-U', '--output=json', self.path(name))
        return [(e['start'], e['length']) for e in json.loads(done.stdout)
                if e['depth'] == 0 and e['data']]

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    def write(self, device, pattern, offset):
        self.assert_says(f'qemu-io {device} "write -P {pattern} {offset} 64k"',
                         '')

    def test_moves_down(self):
        self.vm = self.start('if=none,id=d0,file=top.img')
        self.write('d0', 1, 0)
        self.write('d0', 2, '6M')
        self.assert_says('commit d0', '')
        # The next write begins again with an empty image.
        self.write('d0', 3, '1M')
        before = self.vm.stdout()
        self.assert_says('qemu-io d0 "read -P 1 0 64k"', '')
        self.assert_says('qemu-io d0 "read -P 2 6M 64k"', '')
        self.assertNotIn('verification', self.vm.stdout()[len(before):])
        self.assertIn('    Backing file:     mid.img (chain depth: 2)\n',
                      hmp.run(self.vm, 'info block d0'))
        self.vm.quit()
        self.assertEqual(self.holds('top.img'), [(MIB, 64 << 10)])
        self.assertEqual(self.holds('mid.img'),
                         [(0, 64 << 10), (6 * MIB, 64 << 10)])
        for name in 'top.img', 'mid.img', 'base.img':
            tools.img('check', '-q', self.path(name))
        # The image behind has grown with it.
        self.assertIn('virtual size: 8 MiB', tools.img(
            'info', self.path('mid.img')).stdout)

    def test_all(self):
        self.vm = self.start('if=none,id=d0,file=mid.img',
                             'if=none,id=d1,file=other.img', 'if=none,id=cd')
        self.write('d0', 1, 0)
        self.assert_says('commit all', '')
        self.vm.quit()
        self.assertEqual(self.holds('base.img'), [(0, 64 << 10)])
        self.assertEqual(self.holds('mid.img'), [])

    def test_refused(self):
        self.vm = self.start('if=none,id=d0,file=other.img', 'if=none,id=cd',
                             'if=none,id=ro,file=mid.img,readonly=on')
        for name, text in (
                ('d0', "'commit' error for 'd0': Operation not supported\n"),
                ('cd', "Device 'cd' has no medium\n"),
                ('x', "Device 'x' not found\n"),
                ('ro', "Block node is read-only\n'commit' error for 'ro': "
                       "Operation not permitted\n"),
                ('all', "Block node is read-only\n'commit' error for 'all': "
                        "Operation not permitted\n")):
            self.assert_says(f'commit {name}', text)
        self.assert_says('commit', 'commit: block device name expected\n'
                         'Try "help commit" for more information\n')

    def test_busy(self):
        self.vm = self.start('if=none,id=d0,file=mid.img')
        self.write('d0', 1, 0)
        self.assert_says('drive_mirror d0 copy.img', '')
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.assert_says('commit d0', f"'commit' error for 'd0': {IN_USE}\n")
        self.assert_says('block_job_cancel d0', '')
        self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assert_says('commit d0', '')

    def test_bitmaps_stay(self):
        self.vm = self.start('if=none,id=d0,file=mid.img,node-name=n0')
        self.vm.cmd('block-dirty-bitmap-add', {'node': 'n0', 'name': 'b'})
        self.write('d0', 1, 0)
        self.assert_says('commit d0', '')
        node = next(n for n in self.vm.cmd('query-named-block-nodes')
                    if n['node-name'] == 'n0')
        self.assertEqual([(b['name'], b['count'])
                          for b in node['dirty-bitmaps']], [('b', 64 << 10)])


if __name__ == '__main__':
    case.main()
