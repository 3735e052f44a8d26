#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of values of -device that make no sense together."""

from lib import case, machine

MULTIPLE = 'must be a multiple of logical_block_size'

REFUSED = [
    ('virtio-blk', 'min_io_size=513', f'min_io_size {MULTIPLE}'),
    ('scsi-hd', 'opt_io_size=513', f'opt_io_size {MULTIPLE}'),
    ('scsi-hd', 'discard_granularity=1', f'discard_granularity {MULTIPLE}'),
    ('ide-hd', 'discard_granularity=4096',
     'discard_granularity must be 512 for ide'),
    ('virtio-blk', 'min_io_size=33554432',
     'min_io_size must not exceed 65535 logical blocks'),
    ('virtio-blk', 'max-discard-sectors=0', 'invalid max-discard-sectors '
     'property (0), must be between 1 and 4194303'),
    ('virtio-blk', 'max-write-zeroes-sectors=4194304',
     'invalid max-write-zeroes-sectors property (4194304), must be between 1 '
     'and 4194303'),
    ('ide-hd', 'bios-chs-trans=foo',
     "Parameter 'bios-chs-trans' does not accept value 'foo'"),
    ('scsi-hd', 'wwn=-1,port_index=70000',
     "Parameter 'port_index' expects uint16_t"),
    ('virtio-blk', 'cyls=1', 'heads must be between 1 and 255'),
    ('ide-hd', 'cyls=1', 'heads must be between 1 and 16'),
    ('scsi-hd', 'heads=300', 'cyls must be between 1 and 65535'),
    ('scsi-hd', 'channel=2', 'bad scsi channel id: 2'),
    ('scsi-hd', 'rotation_rate=99999',
     "Parameter 'rotation_rate' expects uint16_t"),
    ('virtio-blk', 'num-queues=0',
     'num-queues property must be larger than 0'),
    ('virtio-blk', 'queue-size=3', 'invalid queue-size property (3), must be '
     'a power of 2 (max 1024)'),
    ('virtio-blk', 'queue-size=2',
     'invalid queue-size property (2), must be > 2'),
    ('virtio-blk', 'scsi=on', 'Please set scsi=off for virtio-blk devices in '
     'order to use virtio 1.0'),
    ('nvme', 'serial=x,max_ioqpairs=0',
     'max_ioqpairs must be between 1 and 65535'),
    ('nvme', 'serial=x,msix_qsize=2049',
     'msix_qsize must be between 1 and 2048'),
    ('virtio-blk', 'addr=33',
     "Property 'virtio-blk-pci.addr' doesn't take value '33'"),
    ('virtio-blk', 'addr=1f.9',
     "Property 'virtio-blk-pci.addr' doesn't take value '1f.9'"),
    ('floppy', 'physical_block_size=1024',
     'Physical and logical block size must be 512 for floppy'),
    ('floppy', 'drive-type=foo',
     "Parameter 'drive-type' does not accept value 'foo'"),
    ('megasas', '', "Property 'megasas.drive' not found"),
]


class Texts(machine.MachineCase):

    def test_refused(self):
        for model, words, text in REFUSED:
            device = f'{model},drive=d' + (words and f',{words}')
            with self.subTest(device):
                self.assertEqual(
                    self.refused('-machine', 'pc', '-drive',
                                 'if=none,id=d,driver=null-co', '-device',
                                 'virtio-scsi', '-device', device),
                    f'-device {device}: {text}')

    def test_floppy_cannot_stop(self):
        for key in 'werror', 'rerror':
            self.assertEqual(
                self.refused('-machine', 'pc', '-device', 'floppy,drive=d',
                             '-drive', 'if=none,id=d,driver=null-co,'
                             f'{key}=stop'),
                '-device floppy,drive=d: '
                f"fdc doesn't support drive option {key}")

    def test_lun_taken(self):
        self.assertEqual(
            self.refused('-machine', 'pc', '-device', 'virtio-scsi',
                         '-device', 'scsi-cd,id=a,scsi-id=1,lun=2',
                         '-device', 'scsi-cd,scsi-id=1,lun=2'),
            "-device scsi-cd,scsi-id=1,lun=2: lun already used by 'a'")

    def test_lun_taken_without_name(self):
        self.assertEqual(
            self.refused('-machine', 'pc', '-device', 'virtio-scsi',
                         '-device', 'scsi-cd,scsi-id=1,lun=2',
                         '-device', 'scsi-cd,scsi-id=1,lun=2'),
            "-device scsi-cd,scsi-id=1,lun=2: lun already used by '(null)'")

    def test_threads(self):
        """A disk in another thread is not for virtio-blk, whose own thread
        does not count before a guest runs."""
        base = ('-machine', 'pc', '-object', 'iothread,id=i', '-blockdev',
                'null-co,node-name=n', '-device', 'virtio-scsi,iothread=i')
        disk = 'scsi-hd,drive=n,share-rw=on'
        for more in '', ',iothread=i':
            device = f'virtio-blk,drive=n,share-rw=on{more}'
            for pair in (disk, device), (device, disk):
                self.assertEqual(
                    self.refused(*base, '-device', pair[0], '-device',
                                 pair[1]),
                    f'-device {pair[1]}: Cannot change iothread of active '
                    'block backend')
        self.machine(*base, '-device', device, '-device',
                     'ide-hd,drive=n,share-rw=on').quit()

    def test_queues(self):
        device = 'virtio-scsi,num_queues=0'
        self.assertEqual(
            self.refused('-machine', 'pc', '-device', device),
            f'-device {device}: Invalid number of queues (= 0), must be a '
            'positive integer less than 1022.')
        self.machine('-machine', 'pc', '-device',
                     'virtio-scsi,num_queues=1021').quit()

    def test_json(self):
        device = '{"driver": "virtio-blk-pci", "drive": "d", ' \
            '"write-cache": true}'
        self.assertEqual(
            self.refused('-machine', 'pc', '-drive',
                         'if=none,id=d,driver=null-co', '-device', device),
            f"-device {device}: Invalid parameter type for 'write-cache', "
            'expected: string')

    def test_write_cache(self):
        for value, writeback in (('on', True), ('off', False)):
            vm = self.machine(
                '-machine', 'pc', '-drive', 'if=none,id=d,driver=null-co,'
                'cache=unsafe', '-device',
                f'virtio-blk,drive=d,write-cache={value}')
            info, = vm.cmd('query-block')
            self.assertEqual(info['inserted']['cache']['writeback'],
                             writeback)
            vm.quit()

    def test_part_has_the_disk(self):
        vm = self.machine('-machine', 'pc', '-blockdev',
                          'null-co,node-name=n', '-device',
                          'virtio-blk,drive=n,id=v')
        self.assert_error(vm, 'blockdev-open-tray', {'id': 'v'},
                          'Device does not have a block device backend')
        self.assert_error(vm, 'blockdev-open-tray',
                          {'id': 'v/virtio-backend'},
                          "Device 'v/virtio-backend' is not removable")


if __name__ == '__main__':
    case.main()
