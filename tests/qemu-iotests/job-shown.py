#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What queries show of nodes while jobs work on them: names of filters and of
images that are opened without what is behind them, chains as devices see them,
and what jobs let others do."""

from lib import case, machine, tools
from lib.images import MIB

SIZE = '64M'


class Shown(machine.MachineCase):
    """c -> b -> a, a disk of the machine; x: a target."""

    def setUp(self):
        super().setUp()
        self.make('a')
        self.make('b', 'a')
        self.make('c', 'b')
        self.make('x')
        for name, offset in ('a', 0), ('b', 8), ('c', 16):
            tools.io(self.path(name), f'write -q {offset}M 8M',
                     options=('-f', 'qcow2'))
        self.vm = self.machine('-drive', 'if=none,id=disk,format=qcow2,'
                               'node-name=c,backing.node-name=b,'
                               'backing.backing.node-name=a,'
                               'file=' + self.path('c'))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'x', 'file': {
                'driver': 'file', 'filename': self.path('x')}})

    def make(self, name, behind=None):
        more = ['-b', self.path(behind), '-F', 'qcow2'] if behind else []
        tools.img('create', '-q', '-f', 'qcow2', *more, self.path(name), SIZE)

    def disk(self):
        (info,) = self.vm.cmd('query-block')
        inserted = info['inserted']
        chain, image = [], inserted['image']
        while image:
            chain.append(image['format'])
            image = image.get('backing-image')
        return inserted['node-name'], inserted['backing_file_depth'], chain

    def node(self, name):
        (node,) = [n for n in self.vm.cmd('query-named-block-nodes')
                   if n['node-name'] == name]
        return node['file'], node['backing_file_depth']

    def edges(self, name):
        graph = self.vm.cmd('x-debug-query-block-graph')
        return [(sorted(e['perm']), sorted(e['shared-perm']))
                for e in graph['edges'] if e['name'] == name]

    def start(self, command, **args):
        self.vm.cmd(command, {'job-id': 'j', 'speed': 1, **{
            k.replace('_', '-'): v for k, v in args.items()}})

    def json(self, name):
        return ('{"driver": "qcow2", "file": {"driver": "file", "filename": '
                f'"{self.path(name)}"}}}}')

    def test_stream(self):
        self.start('block-stream', device='c')
        self.assertEqual(self.disk(), ('c', 2, ['qcow2'] * 3))

    def test_stream_behind(self):
        self.start('block-stream', device='b')
        self.assertEqual(self.disk(), ('c', 2, ['qcow2'] * 3))
        self.assertEqual(self.node('c'), (self.path('c'), 3))

    def test_stream_by_a_named_filter(self):
        self.start('block-stream', device='c', filter_node_name='flt')
        self.assertEqual(self.disk(),
                         ('flt', 3, ['copy-on-read'] + ['qcow2'] * 3))
        self.assertEqual(self.node('flt')[0],
                         'json:{"driver": "copy-on-read", "file": '
                         f'{self.json("c")}}}')

    def test_commit_behind(self):
        self.start('block-commit', device='c', top_node='b', base_node='a')
        self.assertEqual(self.disk(), ('c', 2, ['qcow2'] * 3))
        self.assertEqual(self.node('c'), (self.path('c'), 3))

    def test_mirror(self):
        self.start('blockdev-mirror', device='c', target='x', sync='full')
        self.assertEqual(self.disk(), ('c', 2, ['qcow2'] * 3))
        rest = ['consistent-read', 'write', 'write-unchanged']
        self.assertEqual(self.edges('main node'), [(['consistent-read'], rest)])
        self.assertEqual(self.edges('source'), [([], rest)])

    def test_target_without_what_is_behind(self):
        self.start('drive-mirror', device='disk', sync='top', format='qcow2',
                   target=self.path('t'), node_name='target')
        self.assertEqual(self.node('target')[0],
                         'json:{"backing": null, ' + self.json('t')[1:])

    def test_image_without_what_is_behind(self):
        self.make('w')
        self.make('d', 'w')
        for name, shown in (
                ('d', 'json:{"backing": null, ' + self.json('d')[1:]),
                ('e', self.path('e'))):
            if name == 'e':
                self.make('e')
            self.vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name, 'backing': None,
                'file': {'driver': 'file', 'filename': self.path(name)}})
            self.assertEqual(self.node(name)[0], shown)

    def test_filters_that_copy(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'copy-before-write', 'node-name': 'filter', 'target': 'x',
            'file': {'driver': 'null-co', 'size': 64 * MIB}})
        self.vm.cmd('blockdev-add', {
            'driver': 'snapshot-access', 'node-name': 'access',
            'file': 'filter'})
        for name in 'filter', 'access':
            self.assertEqual(self.node(name)[0],
                             'json:{"driver": "null-co", "size": 67108864}')


if __name__ == '__main__':
    case.main()
