#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives: what becomes of the words of -drive, and what a person in the place
of the guest does to them."""

import subprocess

from lib import case, images, machine, program, tools
from lib.case import ours_only
from lib.images import KIB, MIB


class Drives(machine.MachineCase):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        self.img('base.qcow2', 'qcow2')
        self.img('mid.qcow2', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2')
        self.img('top.qcow2', 'qcow2', '-b', 'mid.qcow2', '-F', 'qcow2')

    def img(self, name, fmt, *args):
        subprocess.run([program.find('qemu-img'), 'create', '-q', '-f', fmt,
                        *args, name, '1M'], cwd=self.dir, check=True)

    def nodes(self, *args):
        vm = self.machine('-drive', *args)
        nodes = vm.cmd('query-named-block-nodes', {'flat': True})
        vm.quit()
        return {node['node-name']: node for node in nodes}

    def io(self, vm, device, command):
        return vm.cmd('human-monitor-command', {
            'command-line': f'qemu-io {device} "{command}"'})

    def test_names_of_the_chain(self):
        nodes = self.nodes('if=none,file=top.qcow2,format=qcow2,node-name=t,'
                           'backing.node-name=m,backing.backing.node-name=b,'
                           'backing.backing.file.node-name=f')
        self.assertLessEqual({'t', 'm', 'b', 'f'}, set(nodes))
        self.assertEqual([nodes[n]['file'] for n in 'tmbf'],
                         ['top.qcow2', 'mid.qcow2', 'base.qcow2',
                          'base.qcow2'])
        self.assertEqual([nodes[n]['ro'] for n in 'tmb'],
                         [False, True, True])

    def test_zeroes_to_unmap(self):
        """A drive may look for them without giving space back."""
        for discard in '', ',discard=ignore', ',discard=unmap':
            nodes = self.nodes('if=none,file=a.img,format=raw,node-name=n,'
                               f'detect-zeroes=unmap{discard}')
            self.assertEqual(nodes['n']['detect_zeroes'], 'unmap')

    def test_probing(self):
        nodes = self.nodes('if=none,file=top.qcow2,node-name=t')
        self.assertEqual(nodes['t']['drv'], 'qcow2')
        nodes = self.nodes('if=none,file.filename=base.qcow2,node-name=t')
        self.assertEqual(nodes['t']['drv'], 'qcow2')

    def test_probing_raw_warns(self):
        done = machine.run('-display', 'none', '-nodefaults', '-drive',
                           'if=none,file=a.img', '-qmp', 'stdio', cwd=self.dir,
                           stdin="{'execute':'qmp_capabilities'}"
                                 "{'execute':'quit'}")
        self.assertEqual(done.stderr.splitlines()[0],
                         "WARNING: Image format was not specified for 'a.img' "
                         'and probing guessed raw.')
        self.assertEqual(done.returncode, 0)

    def test_cache(self):
        nodes = self.nodes('if=none,file=base.qcow2,format=qcow2,node-name=t,'
                           'cache=unsafe')
        self.assertEqual(nodes['t']['cache'], {
            'direct': False, 'no-flush': True, 'writeback': True})

    def test_copy_on_read(self):
        """The drive's own node does it, not one above."""
        self.img('over.qcow2', 'qcow2', '-b', 'a.img', '-F', 'raw')
        vm = self.machine('-drive', 'if=virtio,id=d,file=over.qcow2,'
                          'format=qcow2,node-name=t,copy-on-read=on')
        info, = vm.cmd('query-block')
        self.assertEqual(info['inserted']['node-name'], 't')
        self.assertEqual(self.io(vm, 'd', 'read 0 64k'), '')
        self.assertEqual(self.io(vm, 'd', 'alloc 0 64k'), '')
        vm.quit()
        self.assertIn('65536/65536 bytes allocated at offset 0 bytes',
                      vm.stdout())

    def test_children(self):
        self.img('b.qcow2', 'qcow2')
        nodes = self.nodes(
            'if=none,driver=quorum,vote-threshold=1,node-name=q,'
            'children.0.file.filename=base.qcow2,children.0.node-name=c0,'
            'children.1.file.filename=b.qcow2,children.1.node-name=c1')
        self.assertEqual((nodes['q']['drv'], nodes['c0']['drv'],
                          nodes['c1']['drv']), ('quorum', 'qcow2', 'qcow2'))

    def test_snapshot(self):
        vm = self.machine('-snapshot', '-drive',
                          'if=none,id=d,file=a.img,format=raw')
        info, = vm.cmd('query-block')
        self.assertEqual((info['inserted']['drv'],
                          info['inserted']['backing_file_depth'],
                          info['inserted']['ro']), ('qcow2', 1, False))
        self.assertEqual(self.io(vm, 'd', 'write -P 7 0 64k'), '')
        self.assertEqual(self.io(vm, 'd', 'read -P 7 0 64k'), '')
        vm.quit()
        self.assertNotIn('failed', vm.stdout())
        with open(self.path('a.img'), 'rb') as image:
            self.assertNotIn(b'\7', image.read(64 * KIB))

    def test_written_by_name(self):
        vm = self.machine('-drive', 'if=virtio,id=d,file=a.img,format=raw')
        self.assertEqual(self.io(vm, 'd', 'write -P 7 0 64k'), '')
        vm.quit()
        self.assertIn('wrote 65536/65536 bytes at offset 0', vm.stdout())
        with open(self.path('a.img'), 'rb') as image:
            self.assertEqual(image.read(64 * KIB), b'\7' * 64 * KIB)


class Plugging(machine.MachineCase):
    """drive_add and drive_del."""

    def setUp(self):
        super().setUp()
        self.vm = self.machine('-device', 'virtio-scsi', '-drive',
                               'if=none,id=d,driver=null-co', '-device',
                               'scsi-hd,drive=d,id=sd')

    def hmp(self, line):
        return self.vm.cmd('human-monitor-command', {'command-line': line})

    def test_add(self):
        for line, said in [
                ('if=none,id=x,driver=null-co', 'OK'),
                ('if=none,id=x,driver=null-co',
                 "Duplicate ID 'x' for drive"),
                ('if=none,id=y,file=nosuch',
                 "Could not open 'nosuch': No such file or directory"),
                ('if=virtio,driver=null-co',
                 "Can't hot-add drive to type 7")]:
            self.assertEqual(self.hmp(f'drive_add 0 {line}'), f'{said}\r\n')
        self.vm.cmd('device_add', {'driver': 'scsi-hd', 'drive': 'x',
                                   'id': 'sx'})
        self.assertEqual([b['device'] for b in self.vm.cmd('query-block')],
                         ['d', 'x'])

    def test_add_node(self):
        self.assertEqual(
            self.hmp('drive_add -n 0 driver=null-co,node-name=n'), '')
        self.assertEqual(self.hmp('drive_add -n 0 driver=null-co'),
                         "'node-name' needs to be specified\r\n")
        self.assertEqual(self.hmp('drive_del n'), '')

    def test_del(self):
        self.assertEqual(self.hmp('drive_del zz'),
                         "Device 'zz' not found\r\n")
        self.assertEqual(self.hmp('drive_del d'), '')
        info, = self.vm.cmd('query-block')
        self.assertEqual((info['device'], info['qdev'], 'inserted' in info),
                         ('', 'sd', False))


@ours_only('what a person writes is not counted as the guest\'s')
class Errors(machine.MachineCase):

    def test_stop(self):
        vm = self.machine(
            '-drive', 'if=virtio,id=d,driver=raw,file.driver=blkdebug,'
            'file.image.driver=null-co,file.image.size=1M,werror=stop,'
            'file.inject-error.0.event=write_aio,'
            'file.inject-error.0.once=on,file.inject-error.0.errno=28')
        vm.cmd('cont')
        vm.qmp.event('RESUME')
        vm.cmd('human-monitor-command',
               {'command-line': 'qemu-io d "write 0 64k"'})
        event = vm.qmp.event('BLOCK_IO_ERROR')
        self.assertEqual(
            {k: event['data'][k] for k in event['data'] if k != 'node-name'},
            {'device': 'd', 'operation': 'write', 'action': 'stop',
             'nospace': True, 'reason': 'No space left on device'})
        vm.qmp.event('STOP')
        self.assertEqual(vm.cmd('query-status')['status'], 'io-error')
        self.assertEqual(vm.cmd('query-block')[0]['io-status'], 'nospace')
        vm.cmd('cont')
        self.assertEqual(vm.cmd('query-block')[0]['io-status'], 'ok')


@ours_only('Debian builds it without the test protocol')
class Clock(machine.MachineCase):
    """Limits go by the clock that stands still."""

    def test_limit(self):
        vm = self.machine('-accel', 'qtest', '-drive',
                          'if=none,id=d,driver=null-co,iops=10')
        for _ in range(20):
            vm.cmd('human-monitor-command',
                   {'command-line': 'qemu-io d "aio_read 0 512"'})
        stats = vm.cmd('query-blockstats')[0]['stats']
        self.assertLess(stats['rd_operations'], 20)
        vm.cmd('human-monitor-command',
               {'command-line': 'qemu-io d "aio_flush"'})
        stats = vm.cmd('query-blockstats')[0]['stats']
        self.assertEqual((stats['rd_operations'], stats['rd_bytes']),
                         (20, 20 * 512))
        self.assertEqual(stats['rd_total_time_ns'], 20 * 1000000)


class Places(machine.MachineCase):
    """Where drives stand that are the machine's own."""

    def shown(self, *args):
        vm = self.machine(*args)
        found = [(d['device'], d.get('qdev', '').rpartition('/')[2])
                 for d in vm.cmd('query-block')]
        vm.quit()
        return found

    def test_no_places(self):
        tools.img('create', '-q', '-f', 'qcow2', self.path('a.img'), '1M')
        for args, name in ((('-hda', 'a.img'), 'none0'),
                           (('-cdrom', 'a.img'), 'none2'),
                           (('-drive', 'file=a.img'), 'none0')):
            self.assertEqual(self.shown('-machine', 'none', *args),
                             [(name, '')])

    def test_one_disk_a_bus(self):
        null = 'driver=null-co,if=ide'
        self.assertEqual(
            self.shown('-machine', 'q35', '-drive', null, '-drive', null,
                       '-drive', null + ',media=cdrom,index=5'),
            [('ide0-hd0', 'device[16]'), ('ide1-hd0', 'device[17]'),
             ('ide5-cd0', 'device[18]')])
        self.assertEqual(
            self.refused('-machine', 'q35', '-drive', null + ',unit=1'),
            f'-drive {null},unit=1: unit 1 too big (max is 0)')
        self.assertEqual(
            self.refused('-machine', 'pc', '-drive', null + ',bus=5'),
            f'-drive {null},bus=5: machine type does not support '
            'if=ide,bus=5,unit=0')
        self.shown('-machine', 'q35', '-device', 'ide-cd,bus=ide.5')

    def test_usb(self):
        for name, place in (('us', 'us'), (None, 'scsi')):
            vm = self.machine('-machine', 'pc', '-device', 'qemu-xhci',
                              '-drive', 'if=none,id=d,driver=null-co',
                              '-device', 'usb-storage,drive=d' +
                              (f',id={name}' if name else ''))
            self.assertTrue(vm.cmd('query-block')[0]['qdev'].endswith(
                f'/{place}.0/legacy[0]'))
            vm.quit()


if __name__ == '__main__':
    case.main()
