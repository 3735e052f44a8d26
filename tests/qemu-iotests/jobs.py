#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs: states, verbs, the order of events, what the queries tell."""

from lib import case, jobs, order
from lib.backup_case import BackupCase, CHUNK
from lib.images import MIB
from lib.jobs import PENDING, cancelled, completed, error

VERBS = 'pause', 'resume', 'complete', 'finalize', 'dismiss', 'cancel'
NOT_PAUSED = "Can't resume a job that was not paused"


class JobCase(BackupCase):
    """Shorthands for verbs, refusals and queries of `job0`."""

    def verb(self, verb, job='job0'):
        self.vm.cmd(f'job-{verb}', id=job)

    def assert_verb_fails(self, verb, desc, cls='GenericError', job='job0',
                          block_cls=None, block_desc=None):
        """job-VERB and block-job-VERB are refused alike."""
        self.assert_error(self.vm, f'job-{verb}', {'id': job}, desc, cls)
        key = 'id' if verb in ('finalize', 'dismiss') else 'device'
        self.assert_error(self.vm, f'block-job-{verb}', {key: job},
                          block_desc or desc, block_cls or cls)

    def assert_refuses(self, status, *verbs):
        for verb in verbs:
            self.assert_verb_fails(verb, f"Job 'job0' in state '{status}' "
                                   f"cannot accept command verb '{verb}'")

    def job(self):
        return jobs.query(self.vm, 'job0')

    def entry(self, **changed):
        """What query-block-jobs says of job0."""
        return dict({
            'auto-dismiss': True, 'auto-finalize': True, 'busy': False,
            'device': 'job0', 'io-status': 'ok', 'len': self.size_bytes,
            'offset': self.size_bytes, 'paused': False, 'ready': False,
            'speed': 0, 'type': 'backup'}, **changed)

    def assert_gone(self):
        self.assertEqual(self.vm.cmd('query-jobs'), [])
        self.assertEqual(self.vm.cmd('query-block-jobs'), [])


class Jobs(JobCase):

    # -- lives

    def test_plain(self):
        self.start()
        self.assertEqual(self.follow('null'), [
            'waiting', 'pending', completed(self.size_bytes), 'concluded',
            'null'])
        self.assert_gone()

    def test_event_lines(self):
        self.start()
        while True:
            line = self.vm.qmp.recv_line().decode()
            self.assertIsNone(order.find_disorder(line))
            if 'COMPLETED' in line:
                break
        self.assertRegex(line, (
            r'^\{"timestamp": \{"seconds": \d+, "microseconds": \d+\}, '
            r'"event": "BLOCK_JOB_COMPLETED", "data": \{"device": "job0", '
            r'"len": 8388608, "offset": 8388608, "speed": 0, "type": '
            r'"backup"\}\}$'))
        self.assertRegex(self.vm.qmp.recv_line().decode(), (
            r'"event": "JOB_STATUS_CHANGE", "data": \{"status": '
            r'"concluded", "id": "job0"\}\}$'))

    def test_finalize(self):
        self.start(auto_finalize=False)
        self.assertEqual(self.follow('PENDING'),
                         ['waiting', 'pending', PENDING])
        self.assertEqual(self.job(), (
            {'id': 'job0', 'type': 'backup', 'status': 'pending',
             'current-progress': self.size_bytes,
             'total-progress': self.size_bytes},
            self.entry(status='pending', **{'auto-finalize': False})))
        self.assert_refuses('pending', 'pause', 'complete', 'dismiss')
        self.assert_verb_fails('resume', NOT_PAUSED)
        self.verb('finalize')
        # All of it came before the answer.
        self.assertEqual(jobs.take(self.vm, 'job0'), [
            completed(self.size_bytes), 'concluded', 'null'])
        self.assert_gone()

    def test_cancel_pending(self):
        for command, key in ('job-cancel', 'id'), ('block-job-cancel',
                                                   'device'):
            self.start(auto_finalize=False)
            self.follow('PENDING')
            self.vm.cmd(command, {key: 'job0'})
            self.assertEqual(self.follow('null'), [
                'aborting', cancelled(self.size_bytes), 'concluded', 'null'])
            self.assert_gone()

    def test_dismiss(self):
        self.start(auto_dismiss=False)
        self.assertEqual(self.follow('concluded'), [
            'waiting', 'pending', completed(self.size_bytes), 'concluded'])
        self.assertEqual(self.job(), (
            {'id': 'job0', 'type': 'backup', 'status': 'concluded',
             'current-progress': self.size_bytes,
             'total-progress': self.size_bytes},
            self.entry(status='concluded', **{'auto-dismiss': False})))
        self.assert_refuses('concluded', 'pause', 'complete', 'finalize',
                            'cancel')
        self.assert_verb_fails('resume', NOT_PAUSED)
        self.verb('dismiss')
        self.assertEqual(jobs.take(self.vm, 'job0'), ['null'])
        self.assert_gone()

    def test_finalize_and_dismiss(self):
        self.start(auto_finalize=False, auto_dismiss=False)
        self.follow('PENDING')
        self.vm.cmd('block-job-finalize', id='job0')
        self.assertEqual(jobs.take(self.vm, 'job0'),
                         [completed(self.size_bytes), 'concluded'])
        self.vm.cmd('block-job-dismiss', id='job0')
        self.assertEqual(jobs.take(self.vm, 'job0'), ['null'])

    def test_a_concluded_job_keeps_its_id(self):
        self.start(auto_dismiss=False)
        self.follow('concluded')
        self.assert_error(self.vm, 'blockdev-backup', {
            'job-id': 'job0', 'device': 'src', 'target': 'dst',
            'sync': 'full'}, "Job ID 'job0' already in use")
        # But no longer its disks.
        self.run_backup('job1')

    # -- running

    def test_running(self):
        self.start_held()
        info, block = self.job()
        self.assertEqual((info['status'], block['status']),
                         ('running', 'running'))
        self.assertEqual((block['speed'], block['len']),
                         (1, self.size_bytes))
        self.assert_refuses('running', 'complete', 'finalize', 'dismiss')
        self.assert_verb_fails('resume', NOT_PAUSED)
        self.verb('cancel')
        history = self.follow('null')
        self.assertEqual([history[0]] + history[2:],
                         ['aborting', 'concluded', 'null'])
        self.assertEqual(history[1][0], 'CANCELLED')
        self.assertEqual(history[1][1]['len'], self.size_bytes)
        self.assertLessEqual(history[1][1]['offset'], CHUNK)
        self.assert_gone()

    def test_pause_and_resume(self):
        for noun, key in ('job', 'id'), ('block-job', 'device'):
            self.start_held()
            self.vm.cmd(f'{noun}-pause', {key: 'job0'})
            self.assertEqual(self.follow('paused'), ['paused'])
            info, block = self.job()
            self.assertEqual(info['status'], 'paused')
            self.assertEqual(info['current-progress'], CHUNK)
            self.assertEqual(block, self.entry(
                status='paused', paused=True, speed=1, offset=CHUNK))
            self.assert_refuses('paused', 'complete', 'finalize', 'dismiss')
            self.assert_verb_fails('pause', 'Job is already paused')
            # Not even without a limit does a paused job go on.
            self.vm.cmd('block-job-set-speed', device='job0', speed=0)
            self.assertEqual(self.job()[1], self.entry(
                status='paused', paused=True, offset=CHUNK))
            self.vm.cmd(f'{noun}-resume', {key: 'job0'})
            self.assertEqual(self.follow('null'), [
                'running', 'waiting', 'pending', completed(self.size_bytes),
                'concluded', 'null'])

    def test_cancel_paused(self):
        self.start_held()
        self.verb('pause')
        self.follow('paused')
        self.assert_error(
            self.vm, 'block-job-cancel', {'device': 'job0'},
            "The block job for device 'job0' is currently paused")
        self.vm.cmd('block-job-cancel', device='job0', force=True)
        self.assertEqual(self.follow('null'), [
            'running', 'aborting',
            cancelled(self.size_bytes, CHUNK, speed=1), 'concluded', 'null'])
        self.start_held()
        self.verb('pause')
        self.follow('paused')
        self.verb('cancel')
        self.assertEqual(self.follow('null')[1], 'aborting')

    def test_cancelled_and_not_dismissed(self):
        self.start_held(auto_dismiss=False)
        self.verb('cancel')
        self.assertEqual(self.follow('concluded')[0], 'aborting')
        info, block = self.job()
        self.assertEqual((info['status'], block['status']),
                         ('concluded', 'concluded'))
        self.verb('dismiss')
        self.assert_gone()

    def test_speed(self):
        self.start_held()
        self.vm.cmd('block-job-set-speed', device='job0', speed=65536)
        self.assertEqual(self.job()[1]['speed'], 65536)
        self.assert_error(self.vm, 'block-job-set-speed',
                          {'device': 'job0', 'speed': -1},
                          "Parameter 'speed' expects a non-negative value")
        self.assertEqual(self.job()[1]['speed'], 65536)
        self.vm.cmd('block-job-set-speed', device='job0', speed=0)
        self.assertEqual(self.follow('null'), [
            'waiting', 'pending', completed(self.size_bytes), 'concluded',
            'null'])

    def test_speed_is_refused_at_the_end(self):
        self.start(auto_finalize=False)
        self.follow('PENDING')
        self.assert_error(
            self.vm, 'block-job-set-speed', {'device': 'job0', 'speed': 0},
            "Job 'job0' in state 'pending' cannot accept command verb "
            "'set-speed'")

    # -- errors

    def test_missing(self):
        for verb in VERBS:
            self.assert_verb_fails(verb, 'Job not found', job='nosuch',
                                   block_cls='DeviceNotActive',
                                   block_desc="Block job 'nosuch' not found")
        self.assert_error(self.vm, 'block-job-set-speed',
                          {'device': 'nosuch', 'speed': 0},
                          "Block job 'nosuch' not found", 'DeviceNotActive')

    def test_ids(self):
        args = {'device': 'src', 'target': 'dst', 'sync': 'full'}
        self.assert_error(self.vm, 'blockdev-backup', args,
                          "Invalid job ID ''")
        for job in '', '1', 'a b', '#a', '-':
            self.assert_error(self.vm, 'blockdev-backup',
                              dict(args, **{'job-id': job}),
                              f"Invalid job ID '{job}'")
        self.assertEqual(self.vm.qmp.events, [])
        self.run_backup('aB9._-')

    def test_bad_speed(self):
        self.assert_error(
            self.vm, 'blockdev-backup', {
                'device': 'src', 'target': 'dst', 'sync': 'full',
                'job-id': 'job0', 'speed': -1},
            "Parameter 'speed' expects a non-negative value")
        self.assert_gone()

    def test_several(self):
        self.new_disk('src2', MIB)
        self.new_disk('dst2', MIB)
        self.start_held('one')
        self.start('two', device='src2', target='dst2', auto_dismiss=False)
        self.follow('concluded', 'two')
        # Newest first.
        self.assertEqual([j['id'] for j in self.vm.cmd('query-jobs')],
                         ['two', 'one'])
        self.assertEqual(
            [j['device'] for j in self.vm.cmd('query-block-jobs')],
            ['two', 'one'])
        self.vm.cmd('block-job-set-speed', device='one', speed=0)
        self.follow('null', 'one')
        self.verb('dismiss', 'two')
        self.assert_gone()

    def test_quit_while_running(self):
        self.start_held()
        self.vm.quit()

    def test_quit_while_paused(self):
        self.start_held()
        self.verb('pause')
        self.vm.quit()

    def test_quit_while_pending(self):
        self.start(auto_finalize=False)
        self.follow('PENDING')
        self.vm.quit()


class Failing(JobCase):
    """The target's file takes no more than its first 2 MiB."""

    limit_bytes = 2 * MIB

    def failed(self, **more):
        return completed(self.size_bytes, 2 * MIB, error='File too large',
                         **more)

    def test_error(self):
        self.start(x_perf=jobs.ONE_BY_ONE)
        self.assertEqual(self.follow('null'), [
            error('write'), 'aborting', self.failed(), 'concluded', 'null'])
        self.assert_gone()

    def test_error_and_dismiss(self):
        self.start(x_perf=jobs.ONE_BY_ONE, auto_dismiss=False,
                   auto_finalize=False)
        self.assertEqual(self.follow('concluded'), [
            error('write'), 'aborting', self.failed(), 'concluded'])
        self.assertEqual(self.job(), (
            {'id': 'job0', 'type': 'backup', 'status': 'concluded',
             'current-progress': 2 * MIB, 'total-progress': self.size_bytes,
             'error': 'File too large'},
            self.entry(status='concluded', offset=2 * MIB,
                       error='File too large', **{
                           'auto-dismiss': False, 'auto-finalize': False})))
        self.verb('dismiss')
        self.assert_gone()

    def test_stop(self):
        self.start(x_perf=jobs.ONE_BY_ONE, on_target_error='stop')
        self.assertEqual(self.follow('paused'),
                         [error('write', 'stop'), 'paused'])
        self.assertEqual(self.job()[1], self.entry(
            status='paused', paused=True, offset=2 * MIB,
            **{'io-status': 'failed'}))
        self.verb('resume')
        self.assertEqual(self.follow('paused'), [
            'running', error('write', 'stop'), 'paused'])
        self.verb('cancel')
        self.assertEqual(self.follow('null'), [
            'running', 'aborting', cancelled(self.size_bytes, 2 * MIB),
            'concluded', 'null'])

    def test_enospc_is_another_error(self):
        self.start(x_perf=jobs.ONE_BY_ONE, on_target_error='enospc')
        self.assertEqual(self.follow('null')[:2],
                         [error('write'), 'aborting'])


if __name__ == '__main__':
    case.main()
