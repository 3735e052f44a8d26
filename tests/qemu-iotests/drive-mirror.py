#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drive-mirror: to an image that is made, opened and, unless the users go on
with it, closed by the job."""

import os

from lib import case, images, jobs, nbd_tool, tools
from lib.case import ours_only
from lib.exports import Server
from lib.images import MIB

SIZE = 2 * MIB
MADE = (' cluster_size=65536 extended_l2=off compression_type=zlib '
        f'size={SIZE}')
TAIL = ' lazy_refcounts=off refcount_bits=16'


class DriveMirror(case.Case):
    """base.qcow2 <- disk.qcow2, node `disk`, with a guest."""

    def setUp(self):
        super().setUp()
        self.base, self.disk = self.path('base.qcow2'), self.path('disk.qcow2')
        self.copy = self.path('copy')
        tools.img('create', '-q', '-f', 'qcow2', self.base, str(SIZE))
        tools.io(self.base, f'write -P 1 0 {MIB}', options=('-f', 'qcow2'))
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.base, '-F',
                  'qcow2', self.disk)
        tools.io(self.disk, 'write -P 2 512k 64k', 'write -z 768k 64k',
                 options=('-f', 'qcow2'))
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'disk',
            'file': {'driver': 'file', 'filename': self.disk}})
        self.server = Server(self.vm)
        self.server.add('disk')
        self.guest = self.server.connect('disk')

    def args(self, **more):
        args = {'job-id': 'job', 'device': 'disk', 'target': self.copy,
                'sync': 'full'}
        args.update({k.replace('_', '-'): v for k, v in more.items()})
        return args

    def start(self, until='READY', **more):
        self.vm.cmd('drive-mirror', self.args(**more))
        return jobs.follow(self.vm, 'job', until)[-1]

    def complete(self):
        self.vm.cmd('block-job-complete', device='job')
        self.end()

    def leave(self, **how):
        self.vm.cmd('block-job-cancel', device='job', **how)
        self.end()

    def end(self):
        jobs.follow(self.vm, 'job', 'null')

    def nodes(self):
        return sorted((n['node-name'], n['drv'], n['image']['filename'])
                      for n in self.vm.cmd('query-named-block-nodes',
                                           {'flat': True})
                      if not n['node-name'].startswith('#'))

    def formatting(self):
        return [line for line in self.vm.stdout().splitlines() if line]

    def assert_equal_images(self, path=None, driver=None):
        self.vm.quit()
        form = ('-F', driver) if driver else ()
        tools.img('compare', '-f', 'qcow2', *form, self.disk,
                  path or self.copy)

    # -- what becomes of the image

    def test_full(self):
        """Made in the disk's format, gone when the job is."""
        before = self.nodes()
        ready = self.start()
        self.assertEqual(ready[1]['type'], 'mirror')
        self.assertEqual(self.formatting(), [
            f"Formatting '{self.copy}', fmt=qcow2{MADE}{TAIL}"])
        self.leave()
        self.assertEqual(self.nodes(), before)
        self.assert_equal_images(driver='qcow2')

    def test_raw(self):
        self.start(format='raw')
        self.assertEqual(self.formatting(), [
            f"Formatting '{self.copy}', fmt=raw size={SIZE}"])
        self.leave()
        self.assertLess(os.stat(self.copy).st_blocks * 512, SIZE)
        self.assert_equal_images(driver='raw')

    def test_pivot(self):
        """The users go on with the image; what it shares it has behind it."""
        self.start(sync='top', node_name='copy')
        self.assertEqual(self.formatting(), [
            f"Formatting '{self.copy}', fmt=qcow2{MADE} "
            f'backing_file={self.base} backing_fmt=qcow2{TAIL}'])
        self.guest.pwrite(b'\5' * 65536, MIB)
        before = self.guest.pread(SIZE, 0)
        self.complete()
        self.assertEqual(self.guest.pread(SIZE, 0), before)
        self.guest.pwrite(b'\6' * 512, 0)
        self.vm.quit()
        tools.io(self.copy, 'read -P 6 0 512', 'read -P 2 512k 64k',
                 'read -P 0 768k 64k', 'read -P 1 832k 64k',
                 'read -P 5 1M 64k', options=('-f', 'qcow2'))
        tools.io(self.disk, 'read -P 1 0 512', options=('-f', 'qcow2'))

    def test_none(self):
        """Only what is written while it runs; the disk is behind it."""
        self.start(sync='none', node_name='copy')
        self.assertIn(f'backing_file={self.disk}', self.formatting()[0])
        self.guest.pwrite(b'\5' * 65536, MIB)
        before = self.guest.pread(SIZE, 0)
        self.complete()
        self.assertEqual(self.guest.pread(SIZE, 0), before)
        self.vm.quit()
        tools.io(self.copy, 'read -P 2 512k 64k', 'read -P 5 1M 64k',
                 options=('-f', 'qcow2'))

    def test_existing(self):
        """What the image says is behind it is opened for the users."""
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.base, '-F',
                  'qcow2', self.copy)
        for sync in 'full', 'top':
            ready = self.start(mode='existing', sync=sync, node_name='copy')
            self.assertEqual(self.formatting(), [])
            if sync == 'full':
                self.assertEqual(ready[1]['len'], SIZE)
                self.leave()
        before = self.guest.pread(SIZE, 0)
        self.complete()
        self.assertEqual(self.guest.pread(SIZE, 0), before)
        self.assertIn(('copy', 'qcow2', self.copy), self.nodes())
        self.assert_equal_images(driver='qcow2')

    def test_server(self):
        """An export of a server, which is no image in a format: with and
        without that said, as a name of either kind."""
        images.make(self.copy, SIZE)
        server = nbd_tool.Server(self, '-t', '-e', '9', '-f', 'raw', '-x',
                                 'copy', self.copy)
        for target, form in (
                (f'nbd:unix:{server.sock}:exportname=copy', {'format': 'nbd'}),
                (f'nbd:unix:{server.sock}:exportname=copy', {'format': 'raw'}),
                (f'nbd:unix:{server.sock}:exportname=copy', {}),
                (server.uri('copy'), {'format': 'nbd'})):
            self.start(target=target, mode='existing', **form)
            self.leave()
        self.assert_error(
            self.vm, 'drive-mirror',
            self.args(target=self.copy, mode='existing', format='nbd'),
            "File name string for NBD must start with 'nbd:'")
        self.assertIn("WARNING: Image format was not specified for "
                      f"'{server.uri('copy')}' and probing guessed raw.",
                      self.vm.stderr())
        self.assert_equal_images(driver='raw')

    def test_larger_clusters(self):
        """Of what is copied no cluster hides what is behind the image."""
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.base, '-F',
                  'qcow2', '-o', 'cluster_size=256k', self.copy)
        ready = self.start(mode='existing', sync='top', node_name='copy')
        self.assertEqual(ready[1]['len'], 2 * 256 * 1024)
        self.guest.pwrite(b'\7' * 512, 300 * 1024)
        before = self.guest.pread(SIZE, 0)
        self.complete()
        self.assertEqual(self.guest.pread(SIZE, 0), before)
        self.vm.quit()
        tools.io(self.copy, 'read -P 1 256k 44k', 'read -P 7 300k 512',
                 'read -P 1 0 256k', 'read -P 2 512k 64k',
                 'read -P 1 576k 192k', 'read -P 0 768k 64k',
                 'read -P 1 832k 192k', options=('-f', 'qcow2'))

    def test_probed(self):
        tools.img('create', '-q', '-f', 'qcow2', self.copy, str(SIZE))
        self.start(mode='existing', node_name='copy')
        self.assertIn(('copy', 'qcow2', self.copy), self.nodes())
        self.leave()
        self.assert_equal_images(driver='qcow2')

    def test_no_unmap(self):
        images.make(self.copy, SIZE, [(0, SIZE, 9)])
        self.start(mode='existing', format='raw', unmap=False)
        self.leave()
        self.assertGreaterEqual(os.stat(self.copy).st_blocks * 512, SIZE)
        self.assert_equal_images(driver='raw')

    def test_unmap(self):
        images.make(self.copy, SIZE, [(0, SIZE, 9)])
        self.start(mode='existing', format='raw')
        self.leave()
        self.assertLess(os.stat(self.copy).st_blocks * 512, SIZE)
        self.assert_equal_images(driver='raw')

    def test_forced_cancel(self):
        before = self.nodes()
        self.start(format='raw', node_name='copy')
        self.leave(force=True)
        self.assertEqual(self.nodes(), before)

    def test_smaller(self):
        images.make(self.copy, MIB)
        entry = self.start('COMPLETED', mode='existing', format='raw')
        self.assertEqual(entry[1]['error'],
                         'Source and target image have different sizes')

    # -- what is refused, and in which order

    def refuse(self, desc, **args):
        before = self.nodes()
        self.assert_error(self.vm, 'drive-mirror', self.args(**args), desc)
        self.assertEqual(self.nodes(), before)

    def test_refused(self):
        for desc, args in (
                ("Cannot find device='x' nor node-name='x'", {'device': 'x'}),
                ("Unknown file format 'x'", {'format': 'x'}),
                ("Could not create '/no/such': No such file or directory",
                 {'target': '/no/such'}),
                (f"Could not open '{self.copy}x': No such file or directory",
                 {'mode': 'existing', 'target': self.copy + 'x'}),
                ("Format driver 'null-co' does not support image creation",
                 {'format': 'null-co'}),
                ("Backing file not supported for file format 'raw'",
                 {'format': 'raw', 'sync': 'top'}),
                ('a node-name must be provided when replacing a named node '
                 'of the graph', {'replaces': 'x'}),
                ("Failed to find node with node-name='x'",
                 {'replaces': 'x', 'node-name': 'copy'}),
                ("Duplicate nodes with node-name='disk'",
                 {'node-name': 'disk'}),
                ("Invalid node-name: '#x'", {'node-name': '#x'}),
                ("Parameter 'granularity' expects a value in range [512B, "
                 '64MB]', {'granularity': 100}),
                ("Parameter 'granularity' expects a power of 2",
                 {'granularity': 1000}),
                ("Invalid parameter 'buf-size'", {'buf-size': -1}),
                ("Parameter 'speed' expects a non-negative value",
                 {'speed': -1}),
                ("Invalid job ID ''", {'job-id': ''})):
            self.refuse(desc, **args)

    def test_busy(self):
        """Told before an image is made."""
        self.start(format='raw')
        self.refuse('Need a root block node', job_id='job2',
                    target=self.path('other'))
        self.assertFalse(os.path.exists(self.path('other')))

    # -- more than QEMU has

    @ours_only('no such action')
    def test_transaction(self):
        before = self.nodes()
        action = {'type': 'drive-mirror', 'data': self.args(
            node_name='copy', format='raw')}
        self.assert_error(self.vm, 'transaction', {
            'actions': [action, {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.assertEqual(self.nodes(), before)
        jobs.take(self.vm, 'job')
        self.vm.cmd('transaction', actions=[action])
        jobs.follow(self.vm, 'job', 'READY')
        self.complete()
        self.guest.pwrite(b'\7' * 512, MIB)
        self.guest.flush()
        self.assertEqual(images.read(self.copy, MIB, 512), b'\7' * 512)

    @ours_only('no bitmaps')
    def test_bitmap(self):
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.guest.pwrite(b'\7' * 65536, MIB)
        images.make(self.copy, SIZE, [(0, SIZE, 9)])
        ready = self.start(mode='existing', format='raw', bitmap='b')
        self.assertEqual(ready[1]['offset'], 65536)
        self.leave()
        self.assertEqual(images.read(self.copy, 0, 512), b'\x09' * 512)
        self.assertEqual(images.read(self.copy, MIB, 512), b'\7' * 512)


if __name__ == '__main__':
    case.main()
