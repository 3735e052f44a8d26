#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blkverify: an image and a copy that is right; who differs ends the
program."""

from lib import case, exports, images
from lib.case import ours_only
from lib.images import KIB, MIB


class Verify(case.Case):
    """`v` over the file `raw`, and a raw node over the file `test`."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def image(self, name, injects, size=MIB):
        path = images.make(self.path(name), size, [(0, 64 * KIB, 1)])
        file = {'driver': 'file', 'filename': path, 'discard': 'unmap',
                'node-name': name + '-file'}
        return {'driver': 'blkdebug', 'image': file,
                'inject-error': injects} if injects else file

    def add(self, raw=None, test=None, test_size=MIB):
        self.vm.cmd('blockdev-add', {
            'driver': 'blkverify', 'node-name': 'v', 'discard': 'unmap',
            'raw': self.image('raw', raw), 'test': {
                'driver': 'raw', 'node-name': 'n', 'discard': 'unmap',
                'file': self.image('test', test, test_size)}})
        server = exports.Server(self.vm, self.vm.name + '.nbd')
        server.add('v')
        self.guest = server.connect('v', request_structured_replies=False)
        self.addCleanup(exports.disconnect, self.guest)

    def spoil(self, name, offset):
        with open(self.path(name), 'r+b') as f:
            f.seek(offset)
            f.write(b'?')

    def assert_ends(self, text, call, *args):
        self.vm.expect_crash = True
        self.assertEqual(exports.errno_of(call, *args), 'ENOTCONN')
        self.assertEqual(self.vm.wait(), 1)
        self.assertEqual(self.vm.stderr(), f'blkverify: {text}\n')

    def test_same(self):
        self.add()
        self.assertEqual(self.guest.pread(4096, 0), b'\1' * 4096)
        self.guest.pwrite(b'x' * 4096, 4096)
        self.guest.flush()
        for name in 'raw', 'test':
            self.assertEqual(images.read(self.path(name), 0, 8192),
                             b'\1' * 4096 + b'x' * 4096)
        # Discards are not passed on.
        self.guest.trim(64 * KIB, 0)
        self.assertEqual(self.guest.pread(4096, 0), b'\1' * 4096)

    @ours_only('fails an assertion')
    def test_zero(self):
        self.add()
        self.guest.zero(4096, 0)
        for name in 'raw', 'test':
            self.assertEqual(images.read(self.path(name), 0, 4097),
                             bytes(4096) + b'\1')

    def test_content(self):
        for name in 'raw', 'test':
            self.vm = self.daemon()
            self.add()
            self.spoil(name, 1000)
            self.assert_ends('read offset=512 bytes=4096 contents mismatch '
                             'at offset 1000', self.guest.pread, 4096, 512)

    def test_unaligned(self):
        self.add()
        self.spoil('test', 1000)
        self.assert_ends('read offset=990 bytes=100 contents mismatch at '
                         'offset 1000', self.guest.pread, 100, 990)

    def test_read_error(self):
        error = [{'event': 'none', 'iotype': 'read'}]
        for args, text in (({'raw': error}, '0 != -5'),
                           ({'test': error}, '-5 != 0')):
            self.vm = self.daemon()
            self.add(**args)
            self.assert_ends('read offset=512 bytes=4096 return value '
                             f'mismatch {text}', self.guest.pread, 4096, 512)

    def test_write_error(self):
        self.add(test=[{'event': 'none', 'iotype': 'write', 'errno': 28}])
        self.assert_ends('write offset=512 bytes=4096 return value mismatch '
                         '-28 != 0', self.guest.pwrite, b'x' * 4096, 512)

    @ours_only('compares what was not read')
    def test_same_error(self):
        error = [{'event': 'none', 'iotype': 'read'}]
        self.add(error, error)
        self.assertEqual(exports.errno_of(self.guest.pread, 512, 0), 'EIO')

    def test_flush(self):
        """Only the image under test is flushed."""
        error = [{'event': 'none', 'iotype': 'flush', 'errno': 28}]
        self.add(raw=error)
        self.guest.pwrite(b'x' * 512, 0)
        self.guest.flush()
        exports.disconnect(self.guest)
        self.vm.quit()
        self.vm = self.daemon()
        self.add(test=error)
        self.guest.pwrite(b'x' * 512, 0)
        self.assertEqual(exports.errno_of(self.guest.flush), 'ENOSPC')

    def test_sizes(self):
        """It is as long as the image; behind its end the copy is zero."""
        self.add(test_size=2 * MIB)
        self.assertEqual(self.guest.get_size(), 2 * MIB)
        self.assertEqual(self.guest.pread(8192, MIB - 4096), bytes(8192))

    def test_shown(self):
        self.add()
        name = f'blkverify:{self.path("raw")}:{self.path("test")}'
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'v']
        self.assertEqual(node['file'], name)
        image = node['image']
        self.assertEqual(image['filename'], name)
        self.assertEqual(image['format'], 'blkverify')
        self.assertEqual(image['backing-image']['format'], 'file')
        self.assertNotIn('actual-size', image)
        edges = {e['name']: (e['perm'], e['shared-perm']) for e in
                 self.vm.cmd('x-debug-query-block-graph')['edges']}
        shared = ['write-unchanged', 'write', 'consistent-read']
        self.assertEqual(edges['raw'], (['write', 'consistent-read'], shared))
        self.assertEqual(edges['test'], (
            ['resize', 'write', 'consistent-read'], shared))

    def test_fixed(self):
        for name in 'a', 'b':
            self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                         'node-name': name})
        options = {'driver': 'blkverify', 'node-name': 'v', 'raw': 'a',
                   'test': 'b'}
        self.vm.cmd('blockdev-add', options)
        self.assert_error(self.vm, 'blockdev-reopen', {'options': [options]},
                          "Block format 'blkverify' used by node 'v' does not "
                          "support reopening files")
        self.assert_error(self.vm, 'block_resize',
                          {'node-name': 'v', 'size': 2 * MIB},
                          'Image format driver does not support resize')


if __name__ == '__main__':
    case.main()
