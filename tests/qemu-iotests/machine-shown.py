#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What queries show of devices while jobs work on them, and what of their
failed requests is of interest."""

from lib import case, hmp, tools


class Shown(case.Case):

    def start(self, *args):
        return hmp.start(self, '-machine', 'pc', '-S', *args)

    def inserted(self, vm):
        info = vm.cmd('query-block')[0]['inserted']
        return info['node-name'], info['drv'], info['backing_file_depth']

    def test_filters(self):
        """A filter that nobody has named is not shown of devices."""
        tools.img('create', '-q', '-f', 'qcow2', 'base', '1M', cwd=self.dir)
        tools.img('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2',
                  'disk', cwd=self.dir)
        tools.img('create', '-q', '-f', 'raw', 'copy', '1M', cwd=self.dir)
        vm = self.start(
            '-blockdev', 'driver=qcow2,node-name=d,file.driver=file,'
            'file.filename=disk', '-blockdev',
            'driver=file,node-name=t,filename=copy',
            '-device', 'virtio-blk,drive=d,id=v')
        args = {'device': 'd', 'target': 't', 'job-id': 'j', 'sync': 'full'}
        for more, shown, depth in (({}, ('d', 'qcow2', 1), 1),
                                   ({'filter-node-name': 'f'},
                                    ('f', 'mirror_top', 2), 2)):
            vm.cmd('blockdev-mirror', {**args, **more})
            vm.qmp.event('BLOCK_JOB_READY')
            self.assertEqual(self.inserted(vm), shown)
            stats = vm.cmd('query-blockstats')[0]
            self.assertEqual(stats['node-name'], shown[0])
            for _ in range(depth):
                stats = stats['backing']
            self.assertNotIn('backing', stats)
            nodes = vm.cmd('query-blockstats', {'query-nodes': True})
            self.assertFalse([n for n in nodes if 'backing' in n])
            self.assertIn(f'{shown[0]}: disk ({shown[1]})\n',
                          hmp.run(vm, 'info block'))
            vm.cmd('block-job-cancel', {'device': 'j'})
            vm.qmp.event('BLOCK_JOB_COMPLETED')

    def test_io_status(self):
        """Only of devices whose failed requests may stop the machine."""
        policies = ('', ',werror=report', ',werror=report,rerror=stop',
                    ',werror=ignore,rerror=report', ',werror=stop')
        args = []
        for i, policy in enumerate(policies):
            args += ['-drive', f'if=none,id=d{i},driver=null-co',
                     '-device', f'virtio-blk,drive=d{i}{policy}']
        vm = self.start(*args)
        self.assertEqual([d.get('io-status') for d in vm.cmd('query-block')],
                         ['ok', None, 'ok', None, 'ok'])

    def test_balloon_polling(self):
        """Set at each start by those who watch machines."""
        vm = self.start('-device', 'virtio-balloon-pci,id=b')
        at = {'path': 'machine/peripheral/b',
              'property': 'guest-stats-polling-interval'}
        self.assertEqual(vm.cmd('qom-get', at), 0)
        vm.cmd('qom-set', {**at, 'value': 2})
        for value, text in (
                (-1, 'timer value must be greater than zero'),
                (1 << 33, 'timer value is too big'),
                ('x', "Invalid parameter type for "
                 "'guest-stats-polling-interval', expected: integer")):
            self.assert_error(vm, 'qom-set', {**at, 'value': value}, text)
        self.assertEqual(vm.cmd('qom-get', at), 2)

    def test_latencies(self):
        vm = self.start('-drive', 'if=none,id=d,driver=null-co',
                        '-device', 'virtio-blk,drive=d,id=v')
        path = '/machine/peripheral/v/virtio-backend'

        def bins():
            stats = vm.cmd('query-blockstats')[0]['stats']
            return {kind: stats[f'{kind}_latency_histogram']
                    for kind in ('rd', 'wr', 'flush')
                    if f'{kind}_latency_histogram' in stats}

        self.assertEqual(bins(), {})
        vm.cmd('block-latency-histogram-set',
               {'id': path, 'boundaries': [5, 10], 'boundaries-read': [7]})
        empty = {'boundaries': [5, 10], 'bins': [0, 0, 0]}
        self.assertEqual(bins(), {'wr': empty, 'flush': empty, 'rd': {
            'boundaries': [7], 'bins': [0, 0]}})
        for kind, boundaries in (('read', [2, 1]), ('write', [5, 5]),
                                 ('flush', [0, 5])):
            self.assert_error(vm, 'block-latency-histogram-set', {
                'id': path, f'boundaries-{kind}': boundaries},
                              f"Device '{path}' set {kind} boundaries fail")
        self.assert_error(vm, 'block-latency-histogram-set',
                          {'id': 'x', 'boundaries': [1]},
                          "Device 'x' not found", cls='DeviceNotFound')
        vm.cmd('block-latency-histogram-set', {'id': path})
        self.assertEqual(bins(), {})


if __name__ == '__main__':
    case.main()
