# SPDX-License-Identifier: GPL-2.0-or-later
"""A case with a qcow2 image that keeps bitmaps, and daemons that open it."""

import json

from . import bitmaps, exports, tools
from .case import Case
from .images import KIB, MIB


class PersistCase(Case):
    """Node `disk` is qcow2 over the file node `disk-file`."""

    size_bytes = 8 * MIB
    create = ()

    def setUp(self):
        super().setUp()
        self.image = self.path('disk.qcow2')
        self.make(self.image)
        self.vm = None
        self.server = None

    def make(self, path, *options):
        tools.img('create', '-q', '-f', 'qcow2', *self.create, *options, path,
                  self.size_bytes)

    # -- a daemon with the image

    def options(self, read_only=False):
        return {'driver': 'qcow2', 'node-name': 'disk', 'file': 'disk-file',
                'read-only': read_only}

    def file_options(self, read_only=False):
        return {'driver': 'file', 'node-name': 'disk-file',
                'filename': self.image, 'read-only': read_only}

    def start(self, read_only=False, binary=None):
        self.server = None
        self.vm = self.daemon(binary=binary)
        self.vm.cmd('blockdev-add', self.file_options(read_only))
        self.vm.cmd('blockdev-add', self.options(read_only))
        return self.vm

    def quit(self):
        self.vm.quit()
        return self.vm.stderr()

    def kill(self):
        self.vm.expect_crash = True
        self.vm.popen.kill()
        self.vm.wait()
        self.vm.qmp.close()

    def reopen(self, read_only):
        self.vm.cmd('blockdev-reopen', {'options': [
            self.file_options(read_only), self.options(read_only)]})

    def write(self, *ranges, pattern=1):
        if not self.server:
            self.server = exports.Server(self.vm)
            self.server.add('disk')
        tools.io(self.server.uri('disk'), *(
            f'write -q -P {pattern} {offset} {length}'
            for offset, length in ranges))

    def unexport(self):
        """So that the node may be read-only."""
        self.vm.cmd('nbd-server-stop')
        self.server = None

    # -- bitmaps of the node

    def bitmap(self, verb, name, **args):
        self.vm.cmd(f'block-dirty-bitmap-{verb}', node='disk', name=name,
                    **args)

    def add(self, name, granularity=64 * KIB, **args):
        self.bitmap('add', name, persistent=True, granularity=granularity,
                    **args)

    def all(self):
        return bitmaps.of_node(self.vm, 'disk')

    def names(self):
        return bitmaps.names(self.vm, 'disk')

    def hashes(self):
        return {b['name']: bitmaps.sha256(self.vm, 'disk', b['name'])
                for b in self.all()}

    def find(self, name):
        return bitmaps.find(self.vm, 'disk', name)

    def assert_refused(self, verb, args, desc):
        self.assert_error(self.vm, f'block-dirty-bitmap-{verb}',
                          dict({'node': 'disk'}, **args), desc)

    # -- what the image says

    def info(self, image=None, run=tools.img):
        """Its bitmaps: [(name, granularity, flags)]."""
        done = run('info', '-U', '--output=json', image or self.image)
        data = json.loads(done.stdout)['format-specific']['data']
        return [(b['name'], b['granularity'], b['flags'])
                for b in data.get('bitmaps', [])]

    def assert_clean(self, image=None):
        """Ours and Debian's qemu-img find nothing wrong."""
        for run in (tools.img, tools.foreign_img):
            run('check', '-q', image or self.image)


def shown(name, **changed):
    """The entry of a bitmap that persists."""
    return bitmaps.entry(name, persistent=True, **changed)
