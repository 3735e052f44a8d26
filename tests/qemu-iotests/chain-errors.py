#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What block-commit, block-stream and change-backing-file refuse, in which
order, and which images a commit that runs keeps from others."""

from lib import case, images, tools
from lib.exports import Server
from lib.images import MIB

BUSY = "Node '{}' is busy: block device is in use by block job: commit"


class ChainErrors(case.Case):
    """n0 <- ... <- n6 by one definition, whose file is f6; and r, raw."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        options = None
        for number in range(7):
            behind = ('-b', self.file(number - 1), '-F', 'qcow2')
            tools.img('create', '-q', '-f', 'qcow2',
                      *(behind if number else ()), self.file(number),
                      *(() if number else (str(MIB),)))
            tools.io(self.file(number), f'write {number * 64}k 64k',
                     options=('-f', 'qcow2'))
            options = {
                'driver': 'qcow2', 'node-name': f'n{number}', 'file': {
                    'driver': 'file', 'filename': self.file(number)},
                **({'backing': options} if number else {})}
        options['file']['node-name'] = 'f6'
        self.vm.cmd('blockdev-add', options)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'r', 'file': {
                'driver': 'file',
                'filename': images.make(self.path('r.img'), MIB)}})
        server = Server(self.vm)
        server.add('n6')

    def file(self, number):
        return self.path(f'n{number}.qcow2')

    def refuse(self, command, desc, cls='GenericError', **args):
        self.assert_error(self.vm, command, {
            'job-id': 'j', **{k.replace('_', '-'): v
                              for k, v in args.items()}}, desc, cls)

    def test_backing_is_read_only(self):
        """Unless its definition says otherwise."""
        self.assertEqual([n['node-name'] for n in self.vm.cmd(
            'query-named-block-nodes', {'flat': True})
            if not n['ro'] and n['node-name'][0] == 'n'], ['n6'])

    def test_commit(self):
        def fail(desc, device='n6', **args):
            self.refuse('block-commit', desc, device=device, **args)
        in_chain = "'{}' is not in this backing file chain"
        root = 'Need a root block node'
        into_itself = 'cannot commit an image into itself'
        fail("Device 'no' not found", 'no', cls='DeviceNotFound')
        fail(root, 'n5')
        fail(root, 'f6')
        fail('Top image file no not found', top='no')
        fail('Top image file  not found', top='', base='')
        fail("Can't find 'no' in the backing chain", base='no')
        fail(into_itself, top_node='n3', base_node='n3')
        fail(in_chain.format('n4'), top_node='n3', base_node='n4')
        fail(in_chain.format('r'), top_node='r')
        fail(in_chain.format('r'), base_node='r')
        fail(in_chain.format('r'), top_node='n3', base_node='r')
        fail(in_chain.format('f6'), top_node='f6')
        fail("Cannot find device='' nor node-name='no'", top_node='no')
        fail("Cannot find device='' nor node-name='no'", base_node='no')
        fail("'top-node' and 'top' are mutually exclusive", top_node='n3',
             top=self.file(3))
        fail("'base-node' and 'base' are mutually exclusive", base_node='n3',
             base=self.file(3))
        active = "'backing-file' specified, but 'top' is the active layer"
        fail(active, backing_file='x')
        fail(active, backing_file='x', top=self.file(6))
        fail("Parameter 'speed' expects a non-negative value", speed=-1,
             top=self.file(5))
        fail("Invalid job ID ''", job_id='', top=self.file(5))
        fail("Duplicate nodes with node-name='n0'", top_node='n5',
             filter_node_name='n0')
        fail("Duplicate nodes with node-name='n0'", filter_node_name='n0')
        fail(into_itself, 'r')
        fail(in_chain.format('n0'), 'r', base_node='n0')

    def test_stream(self):
        def fail(desc, device='n4', **args):
            self.refuse('block-stream', desc, device=device, **args)
        both = "'{}' and '{}' cannot be specified at the same time"
        fail("Cannot find device='no' nor node-name='no'", 'no')
        fail("Can't find 'x' in the backing chain", base='x')
        fail("Cannot find device='' nor node-name='none'", base_node='none')
        for name in 'n6', 'n4', 'r':
            fail(f"Node '{name}' is not a backing image of 'n4'",
                 base_node=name)
        fail(both.format('base', 'base-node'), base_node='n2',
             base=self.file(2))
        fail(both.format('bottom', 'base-node'), base_node='n2', bottom='n3')
        fail(both.format('base', 'bottom'), base=self.file(2), bottom='n3')
        fail("Node 'n5' is not in a chain starting from 'n4'", bottom='n5')
        fail("Node 'r' is not in a chain starting from 'n4'", bottom='r')
        fail("Cannot find device='' nor node-name='no'", bottom='no')
        for more in {}, {'bottom': 'n0'}:
            fail('backing file specified, but streaming the entire chain',
                 backing_file='x', **more)
        fail("Parameter 'speed' expects a non-negative value",
             base_node='n2', speed=-1)
        fail("Invalid job ID ''", job_id='', base_node='n2')
        fail("Could not create node: Duplicate nodes with node-name='n0'",
             base_node='n2', filter_node_name='n0')
        fail("Could not create node: Invalid node-name: '#n0'",
             base_node='n2', filter_node_name='#n0')

    def test_change_backing_file(self):
        def fail(desc, device, image):
            self.assert_error(self.vm, 'change-backing-file', {
                'device': device, 'image-node-name': image,
                'backing-file': 'x'}, desc)
        nothing = ('not allowing backing file change on an image without a '
                   'backing file')
        for device, image in ('n6', 'n0'), ('n6', 'r'), ('r', 'r'):
            fail(nothing, device, image)
        fail("Cannot find device='' nor node-name='no'", 'n6', 'no')
        fail("Cannot find device='no' nor node-name='no'", 'no', 'n6')
        fail('Need a root block node', 'n5', 'n5')
        fail("'r' and image file are not in the same chain", 'r', 'n5')

    def test_busy(self):
        """A commit keeps the device and what it works on; not the image
        above."""
        self.vm.cmd('block-commit', {
            'device': 'n6', 'job-id': 'c', 'top-node': 'n4',
            'base-node': 'n2', 'speed': 1, 'filter-node-name': 'cf'})
        for busy, args in (
                ('n6', {'device': 'n6'}),
                ('n4', {'device': 'n5', 'base_node': 'n3'}),
                ('n4', {'device': 'n4', 'base_node': 'n3'}),
                ('n6', {'device': 'n6', 'base_node': 'n5'})):
            self.refuse('block-stream', BUSY.format(busy), **args)
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'cf'},
                          "Node 'cf' is busy: node is used as backing hd of "
                          "'n5'")
        self.vm.cmd('block-job-cancel', device='c')


if __name__ == '__main__':
    case.main()
