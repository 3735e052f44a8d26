# SPDX-License-Identifier: GPL-2.0-or-later
"""Alternating runs, ratios of medians, and the table."""

import statistics


def alternate(sides, run, rounds):
    """run(side) for each of @sides, in this order and then backwards, and so
    on; a list of results a side. What drifts on the machine hits all sides
    alike."""
    results = [[] for _ in sides]
    order = list(range(len(sides)))
    for _ in range(rounds):
        for index in order:
            results[index].append(run(sides[index]))
        order.reverse()
    return results


def values(results, key):
    return [result[key] for result in results]


def number(value):
    if value >= 1000:
        return f'{value:,.0f}'
    return f'{value:.3g}'


class Row:
    """One line: the same thing of two programs.

    @better: 'more' or 'less'. The ratio is that of the medians, turned so
    that above 1 the first program is better; its spread are the ratios of
    the single rounds. @goal: the least ratio; @limit: the worst value that
    the first program may have.
    """

    def __init__(self, name, unit, better, ours, theirs, *, goal=None,
                 limit=None, reference='QEMU'):
        self.name = name
        self.unit = unit
        self.ours = statistics.median(ours)
        self.theirs = statistics.median(theirs)
        self.reference = reference
        self.goal = goal
        self.limit = limit
        self.more = better == 'more'
        self.ratio = self._ratio(self.ours, self.theirs)
        pairs = [self._ratio(a, b) for a, b in zip(ours, theirs)]
        self.spread = (min(pairs), max(pairs))

    def _ratio(self, ours, theirs):
        good, bad = (ours, theirs) if self.more else (theirs, ours)
        return good / bad if bad else float('inf')

    def reached(self):
        if self.goal is not None and self.ratio < self.goal:
            return False
        if self.limit is None:
            return True
        return self.ours >= self.limit if self.more else \
            self.ours <= self.limit

    def aim(self):
        parts = []
        if self.goal is not None:
            parts.append(f'{self.goal:g}x')
        if self.limit is not None:
            parts.append(f"{'>=' if self.more else '<='}"
                         f'{number(self.limit)}')
        return ' '.join(parts)

    def cells(self):
        verdict = 'ok' if self.reached() else 'MISSED'
        return [self.name, self.unit, number(self.ours), self.reference,
                number(self.theirs), f'{self.ratio:.2f}',
                f'{self.spread[0]:.2f}-{self.spread[1]:.2f}',
                self.aim(), verdict if self.aim() else '']


HEAD = ['case', 'unit', 'tidemark', 'against', 'it has', 'ratio', 'spread',
        'goal', '']
WIDTHS = [46, 6, 10, 10, 10, 7, 13, 14, 6]
RIGHT = {2, 4, 5, 6}


def line(cells):
    return ' '.join(
        cell.rjust(width) if index in RIGHT else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip()
