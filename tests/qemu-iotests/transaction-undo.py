#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A transaction of every kind of action, which fails after each of them in
turn: whatever was prepared is undone."""

import difflib
import json
import os

from lib import case, exports, tools
from lib.images import MIB

ABORT = {'type': 'abort', 'data': {}}
ABORTED = 'Transaction aborted using Abort action'
# Doing them twice in one transaction is fine.
TWICE = ('block-dirty-bitmap-clear', 'block-dirty-bitmap-enable',
         'block-dirty-bitmap-disable', 'block-dirty-bitmap-merge',
         'blockdev-reopen', 'block-snapshot-lease')


class Undo(case.Case):

    size_bytes = 4 * MIB

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.server = exports.Server(self.vm)
        self.kinds = next(
            {member['name'] for member in entry['members']}
            for entry in self.vm.cmd('query-qmp-schema')
            if entry['meta-type'] == 'enum' and
            'block-dirty-bitmap-merge' in entry['values'])
        for name in 'n', 'spare', 'shown', 'under', 'base', 'over', 'temp', \
                'to1', 'to2', 'd1', 'd2', 'd3':
            self.add(name, 'raw')
        for name in 'q', 'old':
            self.add(name, 'qcow2')
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'top',
                                     'file': 'shown'})
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'overlay', 'backing': None,
            'file': {'driver': 'file',
                     'filename': self.make('overlay', 'qcow2')}})
        self.vm.cmd('blockdev-add', {
            'driver': 'copy-before-write', 'node-name': 'cbw',
            'file': 'under', 'target': 'temp'})
        for name in 'on', 'off', 'merged', 'gone', 'kept', 'saved':
            self.vm.cmd('block-dirty-bitmap-add', node='n', name=name,
                        disabled=name == 'off')
        self.server.add('n')
        self.guest = self.server.connect('n')
        self.addCleanup(exports.disconnect, self.guest)
        self.guest.pwrite(b'x' * 65536, 0)

    def make(self, name, fmt):
        path = self.path(name)
        tools.img('create', '-f', fmt, path, str(self.size_bytes))
        return path

    def add(self, name, fmt):
        self.vm.cmd('blockdev-add', {
            'driver': fmt, 'node-name': name, 'file': {
                'driver': 'file', 'filename': self.make(name, fmt)}})

    def actions(self):
        """One of each kind that there is, each on nodes of its own."""
        def bitmap(verb, name, **more):
            return (f'block-dirty-bitmap-{verb}',
                    dict({'node': 'n', 'name': name}, **more))

        def job(kind, device, **more):
            return kind, dict({'job-id': kind, 'device': device,
                               'sync': 'full'}, **more)

        pairs = [
            bitmap('add', 'new', granularity=4096),
            bitmap('remove', 'gone'), bitmap('clear', 'on'),
            bitmap('enable', 'off'), bitmap('disable', 'kept'),
            ('block-dirty-bitmap-merge', {
                'node': 'n', 'target': 'merged', 'bitmaps': ['saved']}),
            ('block-export-add', {'type': 'nbd', 'id': 'e', 'node-name': 'n',
                                  'name': 'e'}),
            ('block-snapshot-lease', {'node-name': 'cbw', 'seconds': 60}),
            ('blockdev-add', {'driver': 'null-co', 'node-name': 'added'}),
            ('blockdev-del', {'node-name': 'spare'}),
            ('blockdev-reopen', {'options': [{
                'driver': 'raw', 'node-name': 'top', 'file': 'base'}]}),
            job('blockdev-backup', 'n', target='to1', sync='bitmap',
                **{'bitmap': 'saved', 'bitmap-mode': 'on-success'}),
            job('blockdev-mirror', 'd1', target='to2'),
            job('drive-backup', 'd2', target=self.path('out1'), format='raw'),
            job('drive-mirror', 'd3', target=self.path('out2'), format='raw'),
            ('blockdev-snapshot', {'node': 'over', 'overlay': 'overlay'}),
            ('blockdev-snapshot-sync', {
                'node-name': 'old', 'snapshot-node-name': 'newer',
                'snapshot-file': self.path('newer')}),
            ('blockdev-snapshot-internal-sync', {'device': 'q',
                                                 'name': 's'}),
        ]
        self.assertLessEqual(self.kinds - {'abort'},
                             {kind for kind, _data in pairs})
        return [{'type': kind, 'data': data} for kind, data in pairs
                if kind in self.kinds]

    def state(self):
        """All that a transaction could have changed."""
        for name in 'out1', 'out2', 'newer':
            # (made before anything fails, and left: users know them)
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        graph = self.vm.cmd('x-debug-query-block-graph')
        names = {n['id']: n['name'] for n in graph['nodes']}
        nodes = self.vm.cmd('query-named-block-nodes', flat=True)
        hashes = [self.vm.cmd('x-debug-block-dirty-bitmap-sha256',
                              node='n', name=b['name'])
                  for node in nodes if node['node-name'] == 'n'
                  for b in node.get('dirty-bitmaps', [])]
        return json.dumps([
            sorted(names.values()),
            sorted([names[e['parent']], names[e['child']], e['name'],
                    e['perm'], e['shared-perm']] for e in graph['edges']),
            sorted((self.plain(n) for n in nodes),
                   key=lambda n: n['node-name']),
            hashes, self.vm.cmd('query-block-exports'),
            self.vm.cmd('query-jobs')], indent=1, sort_keys=True)

    @staticmethod
    def plain(node):
        """Without the lengths of files: an image that had a snapshot keeps
        some room."""
        image = dict(node['image'], **{'actual-size': 0})
        if node['drv'] == 'file':
            image['virtual-size'] = 0
        return dict(node, image=image)

    def settle(self):
        """Jobs that never ran have told their end, and are gone: who changes
        the graph waits for that."""
        while self.vm.cmd('query-jobs'):
            self.vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        self.vm.cmd('transaction', actions=[])

    def same(self, before, what):
        after = self.state()
        if after != before:
            self.fail('\n'.join([what, *difflib.unified_diff(
                before.splitlines(), after.splitlines(), lineterm='')]))

    def undone(self, actions, what, desc=None):
        before = self.state()
        reply = self.vm.execute('transaction', {'actions': actions})
        self.assertIn('error', reply, what)
        if desc:
            self.assertEqual(reply['error']['desc'], desc, what)
        self.settle()
        self.same(before, what)
        # Nobody is held up.
        self.guest.pwrite(b'y' * 512, 0)

    def test_after_each(self):
        actions = self.actions()
        for n in range(len(actions) + 1):
            self.undone(actions[:n] + [ABORT] + actions[n:],
                      f'after {n} actions', ABORTED)
        for n, action in enumerate(actions):
            self.undone([action, ABORT], f"{action['type']} alone", ABORTED)

    def test_each_fails(self):
        """What is done already cannot be done again: each fails at its own
        turn, after all others."""
        actions = self.actions()
        for action in actions:
            if action['type'] not in TWICE:
                self.undone(actions + [action], f"{action['type']} again")

    def test_none_fails(self):
        """Else the others would show nothing."""
        actions = self.actions()
        before = self.state()
        self.vm.cmd('transaction', actions=actions)
        self.assertNotEqual(self.state(), before)
        for job in [j['id'] for j in self.vm.cmd('query-jobs')]:
            self.vm.execute('job-cancel', {'id': job})
        self.settle()


if __name__ == '__main__':
    case.main()
