# SPDX-License-Identifier: GPL-2.0-or-later
"""Two machines, and what goes from one to the other."""

import json

from lib import exports, machine, tools

SIZE = 8 << 20
DRIVE = {'driver': 'qcow2', 'node-name': 'd',
         'file': {'driver': 'file', 'node-name': 'f'}}


class MigrationCase(machine.MachineCase):

    def setUp(self):
        super().setUp()
        self.uri = 'unix:' + self.path('migrate')
        self.image = self.make('disk')

    def make(self, name):
        path = self.path(name)
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        return path

    def vm(self, *args, image=None, device=True, node='d'):
        options = json.loads(json.dumps(DRIVE))
        options['node-name'] = node
        options['file']['filename'] = image or self.image
        args = ['-m', '16', '-accel', 'tcg', '-blockdev', json.dumps(options),
                *args]
        if device:
            args += ['-device', f'virtio-blk-pci,drive={node},id=vd']
        return self.machine(*args)

    def pair(self, *names, target_image=None, **kwargs):
        src = self.vm(**kwargs)
        dst = self.vm('-incoming', self.uri, image=target_image, **kwargs)
        for vm in src, dst:
            self.capabilities(vm, 'events', *names)
        return src, dst

    @staticmethod
    def capabilities(vm, *names):
        vm.cmd('migrate-set-capabilities', {'capabilities': [
            {'capability': name, 'state': True} for name in names]})

    def statuses(self, vm, last):
        """All statuses that were told, up to LAST."""
        out = []
        while not out or out[-1] != last:
            out.append(vm.qmp.event('MIGRATION')['data']['status'])
        return out

    def bitmaps(self, vm, node='d'):
        found = [n for n in vm.cmd('query-named-block-nodes')
                 if n['node-name'] == node][0]
        return {b['name']: (b['count'], b['recording'], b['persistent'])
                for b in found.get('dirty-bitmaps', [])}

    def status(self, vm):
        return vm.cmd('query-status')['status']

    def write(self, vm, offset, length, pattern=0xa5):
        """As a client that is gone before the migration begins."""
        server = exports.Server(vm, f'nbd{vm.pid}')
        server.add('d')
        handle = server.connect('d')
        handle.pwrite(bytes([pattern]) * length, offset)
        handle.flush()
        exports.disconnect(handle)
        vm.cmd('nbd-server-stop')
