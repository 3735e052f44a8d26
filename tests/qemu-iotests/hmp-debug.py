#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HMP beyond QEMU's: info bitmaps and info graph; qemu-io's requests behind
the commands."""

from lib import case, hmp, images, tools
from lib.case import ours_only
from lib.images import MIB


class Debug(case.Case):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), 4 * MIB)
        self.vm = self.daemon(
            '--blockdev', 'driver=raw,node-name=n0,file.driver=blkdebug,'
            'file.node-name=dbg,file.image.driver=file,'
            'file.image.node-name=f0,file.image.filename=a.img',
            '--nbd-server', f'addr.type=unix,addr.path={self.path("nbd")}',
            '--export', 'nbd,id=e0,node-name=n0,name=x,writable=on')

    def run_line(self, line):
        return hmp.run(self.vm, line)

    @ours_only('no such command')
    def test_bitmaps(self):
        self.assertEqual(self.run_line('info bitmaps'), 'No bitmaps\n')
        self.vm.cmd('block-dirty-bitmap-add', node='n0', name='b0')
        self.vm.cmd('block-dirty-bitmap-add', node='f0', name='b1',
                    disabled=True, granularity=4096)
        self.run_line('qemu-io n0 "write 1M 64k"')
        table = ('NODE                 BITMAP                   GRANULARITY'
                 '      DIRTY  FLAGS\n')
        f0 = ('f0                   b1                             4 KiB'
              '        0 B  -\n')
        n0 = ('n0                   b0                            64 KiB'
              '     64 KiB  recording\n')
        rows = self.run_line('info bitmaps')
        self.assertTrue(rows.startswith(table))
        self.assertEqual(sorted(rows[len(table):].splitlines(True)), [f0, n0])
        self.assertEqual(self.run_line('info bitmaps f0'), table + f0)
        self.assertEqual(self.run_line('info bitmaps n0 b2'),
                         "Error: Dirty bitmap 'b2' not found\n")

    @ours_only('no such command')
    def test_picture(self):
        self.vm.cmd('block-dirty-bitmap-add', node='n0', name='b0')
        self.vm.cmd('block-dirty-bitmap-add', node='n0', name='b1',
                    granularity=4096)
        self.run_line('qemu-io n0 "write 1M 128k"')
        self.assertEqual(
            self.run_line('info bitmaps n0 b0'),
            'n0, bitmap b0: 128 KiB of 4 MiB dirty (3.1 %), granularity '
            '64 KiB\n        0 B |' + '.' * 16 + '##' + '.' * 46 + '|\n'
            'a character is 64 KiB: . clean, # dirty, - less and + more than '
            'half of it\n')
        # A character of several granules, of which a part is dirty.
        self.run_line('qemu-io n0 "write 2M 4k"')
        rows = self.run_line('info bitmaps n0 b1 30').splitlines()[1:-1]
        self.assertEqual(len(rows), 16)
        self.assertEqual(rows[4], '      1 MiB |########........|')
        self.assertEqual(rows[8], '      2 MiB |-...............|')

    @ours_only('no such command')
    def test_graph(self):
        self.assertEqual(
            self.run_line('info graph'),
            "export 'e0'\n"
            '`- root [rw--/rwu-]: n0 (raw, rw)\n'
            '   `- file [rw--/rwus]: dbg (blkdebug, rw)\n'
            '      `- image [rw-s/r-u-]: f0 (file, rw)\n'
            '[uses/lets others]: r consistent-read, w write, '
            'u write-unchanged, s resize\n'.replace(
                '[rw--/rwus]: dbg', self.edge('n0')).replace(
                '[rw-s/r-u-]: f0', self.edge('dbg')))

    def edge(self, parent):
        """What x-debug-query-block-graph says of the edge below PARENT."""
        graph = self.vm.cmd('x-debug-query-block-graph')
        ids = {node['name']: node['id'] for node in graph['nodes']}
        names = {number: name for name, number in ids.items()}
        order = (('consistent-read', 'r'), ('write', 'w'),
                 ('write-unchanged', 'u'), ('resize', 's'))
        edge = next(e for e in graph['edges'] if e['parent'] == ids[parent])
        perms = ['/'.join(''.join(letter if name in edge[key] else '-'
                                  for name, letter in order)
                          for key in ('perm', 'shared-perm'))]
        return f'[{perms[0]}]: {names[edge["child"]]}'

    @ours_only('its storage daemon has no HMP')
    def test_exports_and_nodes(self):
        self.assertEqual(self.run_line('info exports'), 'e0: nbd of n0\n')
        self.assertIn('n0                       raw                rw  '
                      '       4194304  ',
                      self.run_line('info named-block-nodes'))

    @ours_only('its storage daemon has no HMP')
    def test_requests_behind_the_command(self):
        """A request that stands at a break holds up nobody."""
        self.run_line('qemu-io n0 "break write_aio tag"')
        self.assertEqual(self.run_line('qemu-io n0 "aio_write -P 7 0 4k"'), '')
        self.run_line('qemu-io n0 "wait_break tag"')
        self.assertEqual(images.read(self.path('a.img'), 0, 4), bytes(4))
        self.assertIn('n0', self.run_line('info graph'))
        self.run_line('qemu-io n0 "resume tag"')
        self.run_line('qemu-io n0 aio_flush')
        self.assertEqual(images.read(self.path('a.img'), 0, 4), b'\7' * 4)
        self.assertIn('wrote 4096/4096 bytes at offset 0', self.vm.stdout())

    @ours_only('its storage daemon has no HMP')
    def test_quit_lets_requests_go(self):
        self.run_line('qemu-io n0 "break write_aio tag"')
        self.run_line('qemu-io n0 "aio_write 0 4k"')
        self.run_line('qemu-io n0 "wait_break tag"')
        self.vm.quit()

    @ours_only('its storage daemon has no HMP')
    def test_over_a_socket(self):
        """Several clients, one after the other, on one monitor."""
        tools.img('create', '-q', '-f', 'raw', self.path('b.img'), '1M')
        sock = self.path('hmp')
        vm = self.daemon(
            '--chardev', f'socket,id=h,path={sock},server=on,wait=off',
            '--monitor', 'chardev=h,mode=readline')
        for _ in range(2):
            client = vm.connect(sock, negotiate=False).sock
            client.sendall(b'info block-jobs\n')
            text = b''
            while text.count(b'(qemu) ') < 2:
                text += client.recv(4096)
            self.assertTrue(text.endswith(b'No active jobs\r\n(qemu) '), text)
            client.close()


if __name__ == '__main__':
    case.main()
