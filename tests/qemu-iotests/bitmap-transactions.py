#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Transactions of bitmap actions: all of them happen, or none."""

from lib import bitmaps
from lib import case
from lib.bitmap_case import BitmapCase
from lib.bitmaps import entry
from lib.case import ours_only
from lib.images import KIB
from lib.qmp import QMPError

CHUNK = 64 * KIB
ABORTED = 'Transaction aborted using Abort action'
BUSY = ("Bitmap '%s' is currently in use by another operation and cannot be "
        'used')


def act(verb, name, **more):
    return {'type': f'block-dirty-bitmap-{verb}',
            'data': dict({'node': 'disk', 'name': name}, **more)}


def merge(target, *sources):
    return {'type': 'block-dirty-bitmap-merge', 'data': {
        'node': 'disk', 'target': target, 'bitmaps': list(sources)}}


ABORT = {'type': 'abort', 'data': {}}


class Transactions(BitmapCase):

    def setUp(self):
        super().setUp()
        self.add('a')
        self.add('b')
        self.dirty((0, CHUNK), (3 * CHUNK, CHUNK))
        self.add('off', disabled=True, granularity=512)
        self.before = self.state()

    def state(self):
        """All that a failed transaction must leave as it was."""
        return [(b, self.sha256(b['name'])) for b in self.all()]

    def run_actions(self, *actions, **args):
        self.vm.cmd('transaction', dict({'actions': list(actions)}, **args))

    def assert_fails(self, desc, *actions):
        self.assert_error(self.vm, 'transaction', {'actions': list(actions)},
                          desc)
        self.assertEqual(self.state(), self.before)
        # And what recorded goes on recording, what did not does not.
        self.dirty((5 * CHUNK, 1))
        self.assertEqual([self.count(n) for n in ('a', 'b', 'off')],
                         [3 * CHUNK, 3 * CHUNK, 0])

    # -- each action alone

    def test_empty(self):
        self.run_actions()
        for properties in {}, {'completion-mode': 'individual'}, \
                {'completion-mode': 'grouped'}:
            self.run_actions(properties=properties)
        self.assertEqual(self.state(), self.before)

    def test_add(self):
        self.run_actions(act('add', 'x'),
                         act('add', 'y', disabled=True, granularity=512))
        self.assertEqual(self.all()[:2], [
            entry('y', granularity=512, recording=False), entry('x')])

    def test_remove(self):
        self.run_actions(act('remove', 'a'), act('remove', 'off'))
        self.assertEqual(self.names(), ['b'])

    def test_clear(self):
        self.run_actions(act('clear', 'a'))
        self.assert_dirty('a', [])
        self.assertEqual(self.count('b'), 2 * CHUNK)

    def test_enable_and_disable(self):
        self.run_actions(act('enable', 'off'), act('disable', 'a'))
        self.dirty((5 * CHUNK, 512))
        self.assertEqual([self.count(n) for n in ('a', 'b', 'off')],
                         [2 * CHUNK, 3 * CHUNK, 512])

    def test_merge(self):
        self.run_actions(merge('off', 'a', 'b'))
        self.assert_dirty('off', [(0, CHUNK), (3 * CHUNK, CHUNK)])

    def test_merge_from_another_node(self):
        self.add_disk('other')
        self.add('x', node='other')
        self.dirty((CHUNK, 1), node='other')
        self.run_actions(merge('a', 'b', {'node': 'other', 'name': 'x'}))
        self.assert_dirty('a', [(0, 2 * CHUNK), (3 * CHUNK, CHUNK)])

    def test_abort(self):
        self.assert_fails(ABORTED, ABORT)

    # -- together

    def test_in_order(self):
        self.run_actions(
            act('add', 'new', granularity=512), merge('new', 'a'),
            act('clear', 'a'), merge('a', 'new'), act('disable', 'new'),
            act('clear', 'b'), act('enable', 'off'))
        self.assert_dirty('new', [(0, CHUNK), (3 * CHUNK, CHUNK)])
        self.assert_dirty('a', [(0, CHUNK), (3 * CHUNK, CHUNK)])
        self.assertEqual([b['recording'] for b in self.all()],
                         [False, True, True, True])
        self.assertEqual(self.names(), ['new', 'off', 'b', 'a'])

    def test_swap(self):
        """The hand-over of a backup: the old one stops, a new one starts."""
        self.run_actions(act('disable', 'a'), act('add', 'next'))
        self.dirty((7 * CHUNK, 1))
        self.assertEqual(self.count('a'), 2 * CHUNK)
        self.assertEqual(self.count('next'), CHUNK)

    def test_removed_is_busy_until_the_end(self):
        self.assert_fails('Bitmap already exists: a', act('remove', 'a'),
                          act('add', 'a'))

    def test_removed_cannot_be_cleared(self):
        self.assert_fails(BUSY % 'a', act('remove', 'a'), act('clear', 'a'))

    def test_toggled_and_back(self):
        self.run_actions(act('disable', 'a'), act('enable', 'a'),
                         act('disable', 'a'), act('enable', 'a'))
        self.assertEqual(self.state(), self.before)

    # -- failures

    def test_all_undone(self):
        self.assert_fails(
            ABORTED, act('add', 'x'), act('add', 'y', disabled=True),
            act('clear', 'a'), act('disable', 'b'), act('enable', 'off'),
            merge('off', 'b'), act('clear', 'off'), merge('a', 'b'),
            act('remove', 'a'), ABORT)

    def test_abort_first(self):
        self.assert_fails(ABORTED, ABORT, act('clear', 'a'))

    def test_abort_in_the_middle(self):
        self.assert_fails(ABORTED, act('clear', 'a'), ABORT,
                          act('clear', 'b'))

    def test_first_error_is_told(self):
        self.assert_fails("Dirty bitmap 'no1' not found", act('clear', 'no1'),
                          act('clear', 'no2'), ABORT)

    def test_each_failing(self):
        undone = [act('clear', 'a'), act('disable', 'b'),
                  act('enable', 'off'), merge('off', 'b')]
        for desc, action in (
                ('Bitmap already exists: a', act('add', 'a')),
                ('Bitmap name cannot be empty', act('add', '')),
                ('Granularity must be power of 2 and at least 512',
                 act('add', 'x', granularity=3)),
                ("Can't store persistent bitmaps to disk: Operation not "
                 'supported', act('add', 'x', persistent=True)),
                ("Dirty bitmap 'x' not found", act('remove', 'x')),
                ("Dirty bitmap 'x' not found", act('clear', 'x')),
                ("Dirty bitmap 'x' not found", act('disable', 'x')),
                ("Dirty bitmap 'x' not found", merge('x', 'a')),
                ("Dirty bitmap 'x' not found", merge('a', 'b', 'x')),
                ("Node 'nosuch' not found",
                 act('clear', 'a', node='nosuch')),
                ("Node 'nosuch' not found",
                 merge('a', {'node': 'nosuch', 'name': 'x'})),
                (ABORTED, ABORT)):
            with self.assertRaises(QMPError) as caught:
                self.run_actions(*undone, action)
            self.assertEqual(caught.exception.desc, desc, action)
            self.assertEqual(self.state(), self.before, action)

    @ours_only('dies when the bitmap to enable is missing')
    def test_enable_missing(self):
        self.assert_fails("Dirty bitmap 'x' not found", act('clear', 'a'),
                          act('enable', 'x'))
        self.before = self.state()
        self.assert_fails("Node 'nosuch' not found",
                          act('enable', 'a', node='nosuch'))

    @ours_only('leaves the bitmap disabled')
    def test_enable_removed(self):
        self.assert_fails(BUSY % 'a', act('remove', 'a'), act('enable', 'a'))

    @ours_only('dies of an empty list of sources')
    def test_merge_nothing(self):
        self.run_actions({'type': 'block-dirty-bitmap-merge', 'data': {
            'node': 'disk', 'target': 'a', 'bitmaps': []}})
        self.assertEqual(self.state(), self.before)

    def test_busy(self):
        self.server.add('disk', name='more', bitmaps=['a'])
        self.before = self.state()
        for verb in 'remove', 'clear', 'disable':
            self.assert_error(
                self.vm, 'transaction',
                {'actions': [act('clear', 'b'), act(verb, 'a')]}, BUSY % 'a')
            self.assertEqual(self.state(), self.before)

    def test_malformed(self):
        for desc, args in (
                ("Parameter 'actions' is missing", {}),
                ("Invalid parameter type for 'actions', expected: array",
                 {'actions': {}}),
                ("Parameter 'actions[0].type' is missing",
                 {'actions': [{}]}),
                ("Parameter 'type' does not accept value 'x'",
                 {'actions': [{'type': 'x', 'data': {}}]}),
                ("Parameter 'actions[1].data' is missing",
                 {'actions': [act('clear', 'a'), {'type': 'abort'}]}),
                ("Parameter 'actions[0].data.a' is unexpected",
                 {'actions': [{'type': 'abort', 'data': {'a': 1}}]}),
                ("Parameter 'actions[1].data.name' is missing",
                 {'actions': [act('clear', 'a'), {
                     'type': 'block-dirty-bitmap-add',
                     'data': {'node': 'disk'}}]}),
                ("Parameter 'completion-mode' does not accept value 'x'",
                 {'actions': [act('clear', 'a')],
                  'properties': {'completion-mode': 'x'}})):
            self.assert_error(self.vm, 'transaction', args, desc)
            self.assertEqual(self.state(), self.before)

    def test_large(self):
        """Hundreds of actions, undone to the last."""
        actions = [act('add', f'n{i}') for i in range(200)]
        actions += [merge(f'n{i}', 'a') for i in range(200)]
        self.assert_fails(ABORTED, *actions, ABORT)
        self.run_actions(*actions)
        self.assertEqual(len(self.all()), 203)
        self.assertEqual(bitmaps.count(self.vm, 'disk', 'n199'), 3 * CHUNK)


if __name__ == '__main__':
    case.main()
