# SPDX-License-Identifier: GPL-2.0-or-later
"""Where something stands in the schema, and the error that names it."""

from typing import NamedTuple


class Place(NamedTuple):
    file: str
    line: int

    def __str__(self):
        return f'{self.file}:{self.line}'


class QapiError(Exception):
    def __init__(self, place, text):
        super().__init__(f'{place}: {text}')
        self.place = place
        self.text = text
