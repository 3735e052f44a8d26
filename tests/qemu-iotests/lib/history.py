# SPDX-License-Identifier: GPL-2.0-or-later
"""What clients wrote to a disk and when, and which moments explain an image.

Each operation has a number that its data repeats, so bytes tell who wrote
them. It lies somewhere between `start` (before it was asked for) and `end`
(after its reply came). An image of one point in time T shows, at each byte,
an operation W with W.start <= T that no other one has certainly replaced:
none that began after W.end and ended before T. So each piece of an image
allows certain times; those that all pieces allow, on all disks that share
the point in time, must not be none.
"""

import itertools
import math
import random
import struct
import time

INF = math.inf
BUCKET = 4096

_numbers = itertools.count(1)


def now():
    return time.monotonic_ns()


class Op:
    """One operation on [offset, stop).

    `sure`: it is known to have been done. Without that (it failed, its
    client went away, it is a trim, which is advice) it may have been, at
    any time since `start`.
    """

    __slots__ = ('kind', 'offset', 'stop', 'start', 'end', 'done', 'sure',
                 'fua', 'tile', 'number')

    def __init__(self, kind, offset, stop):
        self.kind = kind
        self.offset = offset
        self.stop = stop
        self.number = next(_numbers)
        # No byte of it is zero.
        self.tile = bytes(1 + (self.number >> shift) % 128 | 128
                          for shift in (0, 7, 14, 0, 7, 14, 21, 0))
        self.end = INF
        self.done = False
        self.sure = False
        self.fua = False
        self.start = now()

    def content(self, start, stop):
        if self.kind != 'write':
            return bytes(stop - start)
        first = start % 8
        count = (stop - start + first + 7) // 8
        return (self.tile * count)[first:first + stop - start]

    def finish(self, ok):
        if ok:
            self.end = now()
            self.sure = self.kind != 'trim'
        self.done = True

    def __repr__(self):
        return (f'{self.kind} {self.number} [{self.offset:#x},'
                f'{self.stop:#x}) {self.start}-{self.end}'
                f'{"" if self.sure else " unsure"}')


class Initial(Op):
    """What the disk held before all else."""

    def __init__(self, image):
        super().__init__('initial', 0, len(image))
        self.image = image
        self.start = self.end = -INF
        self.done = self.sure = True

    def content(self, start, stop):
        return self.image[start:stop]


class Unexplained(AssertionError):
    """Bytes that no operation explains at the time in question."""


# -- sets of times: sorted lists of closed, disjoint intervals


def union(spans):
    out = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def intersect(a, b):
    out = []
    for low_a, high_a in a:
        for low_b, high_b in b:
            low, high = max(low_a, low_b), min(high_a, high_b)
            if low <= high:
                out.append((low, high))
    return out


class History:
    """All operations of all clients on one disk."""

    def __init__(self, image):
        self.size = len(image)
        self.initial = Initial(image)
        self.ops = []
        self.safe_before = -INF

    def begin(self, kind, offset, length):
        op = Op(kind, offset, offset + length)
        self.ops.append(op)
        return op

    def flushed(self, start):
        """A flush that began at START has succeeded."""
        self.safe_before = max(self.safe_before, start)

    def lose_cache(self):
        """Whoever held what was written died: only what is safe is sure."""
        for op in self.ops:
            op.sure = op.sure and (op.fua or op.end < self.safe_before)

    def _buckets(self, start, stop):
        """(first byte, end, operations there) of each bucket."""
        buckets = {at: [self.initial]
                   for at in range(start // BUCKET, -(-stop // BUCKET))}
        for op in list(self.ops):
            for at in range(op.offset // BUCKET, -(-op.stop // BUCKET)):
                if at in buckets:
                    buckets[at].append(op)
        for at, ops in buckets.items():
            yield max(at * BUCKET, start), min((at + 1) * BUCKET, stop), ops

    def times(self, image, window, start=0, ranges=None):
        """The times of WINDOW (low, high) at which IMAGE was on the disk.

        IMAGE begins at byte START. `ranges`: only [(offset, length)] count.
        """
        check = _Check(image, start, window)
        for low, high, ops in self._buckets(start, start + len(image)):
            if ranges is None:
                check.bucket(low, high, ops)
            else:
                for offset, length in ranges:
                    part = max(low, offset), min(high, offset + length)
                    if part[0] < part[1]:
                        check.bucket(*part, ops)
        check.whole_or_not()
        return check.allowed

    def check_pieces(self, image, window, start=0):
        """Each byte of IMAGE was there at some time of WINDOW, not all
        at the same."""
        for low, high, ops in self._buckets(start, start + len(image)):
            _Check(image, start, window, together=False).bucket(
                low, high, ops)


class _Check:
    """One image against one history."""

    def __init__(self, image, start, window, together=True):
        self.image = image
        self.start = start
        self.window = window
        self.together = together
        self.allowed = [window]
        self.seen = []  # (start, stop, operation) where there is no doubt

    def bucket(self, low, high, ops):
        marks = {low, high}
        for op in ops:
            if low < op.offset < high:
                marks.add(op.offset)
            if low < op.stop < high:
                marks.add(op.stop)
        marks = sorted(marks)
        for a, b in zip(marks, marks[1:]):
            here = [op for op in ops
                    if op.offset <= a and b <= op.stop and
                    op.start <= self.window[1]]
            self.piece(a, b, here)

    def _spans(self, a, b, ops):
        data = self.image[a - self.start:b - self.start]
        matches = [op for op in ops if op.content(a, b) == data]
        spans = []
        for op in matches:
            replaced = min((v.end for v in ops
                            if v.sure and v.start > op.end), default=INF)
            span = max(op.start, self.window[0]), min(replaced,
                                                      self.window[1])
            if span[0] <= span[1]:
                spans.append(span)
        return matches, spans

    def piece(self, a, b, ops):
        matches, spans = self._spans(a, b, ops)
        if not spans and b - a > 1:
            # Overlapping requests in flight may mix.
            middle = (a + b) // 2
            if b - a > 512:
                middle = middle // 512 * 512
                middle = middle if a < middle < b else (a + b) // 2
            self.piece(a, middle, ops)
            self.piece(middle, b, ops)
            return
        if not spans:
            data = self.image[a - self.start]
            raise Unexplained(
                f'byte {a:#x} is {data:#x}, window {self.window}; could be '
                f'{matches} of {ops}')
        if len(matches) == 1 and matches[0].kind != 'trim' and b - a >= 16:
            self.seen.append((a, b, matches[0]))
        if not self.together:
            return
        allowed = intersect(self.allowed, union(spans))
        if not allowed:
            raise Unexplained(
                f'[{a:#x},{b:#x}) is of {matches} at {spans}, but all before '
                f'it is of {self.allowed}')
        self.allowed = allowed

    def whole_or_not(self):
        """A request is before the point in time or after it, with all its
        bytes."""
        if not self.together:
            return
        present = {op.number: op for _, _, op in self.seen
                   if op.sure and op.kind == 'write' and
                   op.end >= self.window[0]}
        for op in present.values():
            for a, b, other in self.seen:
                if op.offset <= a and b <= op.stop and \
                        other.end < op.start:
                    raise Unexplained(
                        f'{op} is there, but not at [{a:#x},{b:#x}): '
                        f'that is of {other}')


def common(*sets):
    """The times that all of SETS have; none is a failure."""
    out = [(-INF, INF)]
    for one in sets:
        out = intersect(out, one)
    if not out:
        raise Unexplained(f'no common point in time: {sets}')
    return out


class Recorder:
    """What a dirty bitmap of a disk must and may show.

    All changes of a bitmap come with the window in which they happened.
    """

    def __init__(self, history, window, granularity):
        self.history, self.granularity = history, granularity
        self.captures = []  # closed: (on window, off window)
        self.since = window  # None while it is disabled

    def clear(self, window):
        self.captures = []
        self.since = window if self.since else None

    def enable(self, window):
        self.since = self.since or window

    def disable(self, window):
        self.captures = self.seen(window)
        self.since = None

    def seen(self, window):
        """What it has recorded at WINDOW."""
        last = [(self.since, window)] if self.since else []
        return self.captures + last

    def merge(self, other, window):
        self.captures = self.captures + other.seen(window)

    def copy(self):
        twin = Recorder(self.history, None, self.granularity)
        twin.captures, twin.since = list(self.captures), self.since
        return twin

    def granules(self, window):
        """(must be dirty, may be dirty) at WINDOW, as sets."""
        granularity = self.granularity
        must, may = set(), set()
        for on, off in self.seen(window):
            for op in list(self.history.ops):
                if op.start > off[1] or (op.done and op.end < on[0]):
                    continue
                mine = range(op.offset // granularity,
                             -(-op.stop // granularity))
                may.update(mine)
                inside = op.start > on[1] and op.end < off[0]
                if inside and op.sure:
                    must.update(mine)
        return must, may

    def _writers(self, granules):
        granularity = self.granularity
        return [op for op in self.history.ops
                if any(op.offset < (g + 1) * granularity and
                       op.stop > g * granularity for g in granules)]

    def check(self, dirty_ranges, window):
        """DIRTY_RANGES is a fit answer. True if there was no doubt."""
        granularity = self.granularity
        dirty = {g for offset, length in dirty_ranges
                 for g in range(offset // granularity,
                                -(-(offset + length) // granularity))}
        must, may = self.granules(window)
        if not must <= dirty:
            lost = must - dirty
            raise Unexplained(f'lost from the bitmap: {lost}, written by '
                              f'{self._writers(lost)}; recorded '
                              f'{self.seen(window)}')
        if not dirty <= may:
            raise Unexplained(f'never written: {dirty - may}')
        return must == may


def sparse_pattern(size, seed):
    """An image of data and holes, each 16 bytes of data different."""
    source = random.Random(seed)
    out = bytearray(size)
    at = 0
    while at < size:
        step = source.choice((4096, 65536, 131072, 300 * 512))
        if source.random() < 0.7:
            stop = min(at + step, size)
            word = b''.join(struct.pack('>QQ', 0x4141 << 48 | seed << 40 | i,
                                        source.getrandbits(63))
                            for i in range(at // 16, -(-stop // 16)))
            out[at:stop] = word[:stop - at]
        at += step
    return bytes(out)
