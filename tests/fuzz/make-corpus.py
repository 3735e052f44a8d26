#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the inputs that fuzzing begins with: one well-formed conversation,
text or image each, and images with one field broken.

Usage: make-corpus.py FOLDER (gets a sub-folder a target)."""
import json
import random
import struct
import sys
from pathlib import Path

import qcow2_images

sys.path.append(str(Path(__file__).parent.parent / "qemu-iotests"))
from lib.qcow2_fields import Fields  # pylint: disable=wrong-import-position

IHAVEOPT = b"IHAVEOPT"
SIZE = 1 << 20


# --- QMP ---------------------------------------------------------------------

QMP = {
    "basics": [("query-version", None), ("query-commands", None),
               ("quit", None), ("nosuch", {"a": [1, -2.5e3, None, True]})],
    "nodes": [
        ("blockdev-add", {"driver": "raw", "node-name": "r", "size": 512,
                          "file": {"driver": "file", "filename": "/x",
                                   "aio": "threads", "locking": "off"}}),
        ("blockdev-add", {"driver": "null-co", "node-name": "n",
                          "size": 1 << 62, "read-zeroes": True}),
        ("blockdev-add", {"driver": "nbd", "node-name": "c", "export": "e",
                          "server": {"type": "inet", "host": "::1",
                                     "port": "10809"}}),
        ("blockdev-reopen", {"options": [{"driver": "file", "node-name": "f",
                                          "filename": "/\u00e9"}]}),
        ("blockdev-del", {"node-name": "r"}),
        ("query-named-block-nodes", {"flat": True}),
        ("block_resize", {"node-name": "r", "size": 4096}),
    ],
    "bitmaps": [
        ("block-dirty-bitmap-add", {"node": "n", "name": "b",
                                    "granularity": 65536,
                                    "persistent": False}),
        ("block-dirty-bitmap-merge", {"node": "n", "target": "b", "bitmaps":
                                      ["a", {"node": "m", "name": "c"}]}),
        ("transaction", {"actions": [
            {"type": "block-dirty-bitmap-clear",
             "data": {"node": "n", "name": "b"}},
            {"type": "abort", "data": {}},
            {"type": "blockdev-backup",
             "data": {"device": "n", "target": "t", "sync": "bitmap",
                      "bitmap": "b", "bitmap-mode": "on-success"}}],
            "properties": {"completion-mode": "grouped"}}),
    ],
    "jobs": [
        ("blockdev-backup", {"job-id": "j", "device": "n", "target": "t",
                             "sync": "full", "speed": 1,
                             "x-perf": {"max-workers": 1}}),
        ("job-pause", {"id": "j"}),
        ("block-job-set-speed", {"device": "j", "speed": 1}),
        ("query-jobs", None),
    ],
    "exports": [
        ("nbd-server-start", {"addr": {"type": "unix",
                                       "data": {"path": "/s"}},
                              "max-connections": 5}),
        ("block-export-add", {"type": "nbd", "id": "e", "node-name": "n",
                              "writable": True, "bitmaps": ["b"]}),
        ("block-export-del", {"id": "e", "mode": "hard"}),
        ("nbd-server-stop", None),
        ("object-add", {"qom-type": "throttle-group", "id": "g",
                        "limits": {"iops-total": 5}}),
    ],
}


def qmp(commands, oob=False):
    enable = {"enable": ["oob"]} if oob else None
    out = []
    for name, args in [("qmp_capabilities", enable), *commands]:
        request = {"execute": name}
        if args is not None:
            request["arguments"] = args
        out.append(json.dumps(request) + "\n")
    return "".join(out).encode()


def qmp_inputs():
    for name, commands in QMP.items():
        yield name, qmp(commands)
    oob = qmp(QMP["basics"], oob=True)
    yield "oob", oob + b'{"exec-oob": "query-version", "id": {"a": [1]}}\n'
    yield "odd", (b"{'execute': 'qmp_capabilities'}\n@@ {\"a\": \"\\ud834"
                  b"\\udd1e\\n\", 'b': [1e3, 01, nan]}\n\"abc\n[[]]\0{}")


# --- NBD: what a client sends ------------------------------------------------

def option(number, data=b""):
    return IHAVEOPT + struct.pack(">II", number, len(data)) + data


def text(data):
    return struct.pack(">I", len(data)) + data


def go(name=b"", number=7, infos=(0, 1, 2, 3)):
    return option(number, text(name) + struct.pack(">H", len(infos)) +
                  b"".join(struct.pack(">H", i) for i in infos))


def meta(queries, name=b"", number=10):
    return option(number, text(name) + struct.pack(">I", len(queries)) +
                  b"".join(text(q) for q in queries))


def request(command, offset=0, length=0, flags=0, data=b""):
    return struct.pack(">IHHQQI", 0x25609513, flags, command, 77, offset,
                       length) + data


def request_ext(command, offset=0, length=0, flags=0, data=b""):
    return struct.pack(">IHHQQQ", 0x21e41c71, flags, command, 77, offset,
                       length) + data


def traffic(make, payload_flag):
    return b"".join([
        make(0, 512, 4096), make(1, 1024, 512, payload_flag, b"w" * 512),
        make(3), make(4, 8192, 4096), make(5, 0, 4096), make(6, 0, 4096, 2),
        make(6, 4096, 4096, 16), make(7, 0, 32768), make(7, 0, 4096, 8),
        make(0, 0, 4096, 4), make(1, 0, 512, 1 | payload_flag, b"f" * 512),
        make(0, 1 << 40, 1), make(2),
    ])


def client_inputs():
    flags = struct.pack(">I", 3)
    contexts = [b"base:allocation", b"qemu:allocation-depth",
                b"qemu:dirty-bitmap:b"]
    structured = flags + option(8)
    yield "simple", flags + go() + traffic(request, 0)
    yield "structured", structured + meta(contexts) + go() + traffic(
        request, 0)
    yield "extended", structured + option(11) + meta(contexts) + go(
    ) + traffic(request_ext, 32) + request_ext(7, 0, 16, 32, struct.pack(
        ">QII", 32768, 0, 2))
    yield "old", flags + option(1, b"ro") + traffic(request, 0)
    yield "questions", (structured + option(3) + go(b"ro", 6) +
                        meta([b"base:", b"qemu:"], number=9) + option(5) +
                        go(b"nosuch") + option(99, b"x" * 9) + option(2))


# --- NBD: what a server sends ------------------------------------------------

def reply(number, kind, data=b""):
    return struct.pack(">QIII", 0x3e889045565a9, number, kind,
                       len(data)) + data


def greeting(flags=3):
    return b"NBDMAGIC" + IHAVEOPT + struct.pack(">H", flags)


def infos(flags=0x76d):
    """Of GO; the flags: flush, FUA, trim, zeroes, DF, multi, cache."""
    return (reply(7, 3, struct.pack(">HQH", 0, SIZE, flags)) +
            reply(7, 3, struct.pack(">HIII", 3, 1, 4096, 32 << 20)) +
            reply(7, 1))


def chunk(cookie, kind, data=b"", flags=1):
    return struct.pack(">IHHQI", 0x668e33ef, flags, kind, cookie,
                       len(data)) + data


def simple(cookie, error=0, data=b""):
    return struct.pack(">IIQ", 0x67446698, error, cookie) + data


def server_inputs():
    start = greeting() + reply(8, 1) + reply(
        10, 4, struct.pack(">I", 5) + b"base:allocation") + reply(10, 1)
    whole = [
        chunk(0, 1, struct.pack(">Q", 0) + b"d" * 4096),
        chunk(1, 2, struct.pack(">QI", 4096, 2048), 0),
        chunk(1, 1, struct.pack(">Q", 6144) + b"d" * 2048),
        chunk(2, 5, struct.pack(">IIIII", 5, 4096, 0, 12288, 3)),
        chunk(3, 0), chunk(4, 0), chunk(5, 0), chunk(6, 0),
    ]
    errors = [chunk(n, 32769, struct.pack(">IH", 22, 2) + b"no")
              for n in range(1, 7)]
    at_offset = chunk(0, 32770, struct.pack(">IHQ", 5, 0, 512))
    yield "structured", start + infos() + b"".join(whole)
    yield "errors", start + infos() + at_offset + b"".join(errors)
    yield "read-only", start + infos(0x76f) + b"".join(whole[:4])
    yield "simple", greeting() + reply(8, 0x80000001) + infos() + b"".join(
        [simple(0, 0, b"d" * 4096), simple(1, 5), simple(3), simple(4, 28)])
    yield "old", greeting() + reply(8, 1) + reply(10, 0x80000001) + reply(
        7, 0x80000001) + reply(3, 2, text(b"a")) + reply(
        3, 2, text(b"")) + reply(3, 1) + struct.pack(
        ">QH", SIZE, 0x76d) + whole[0]
    yield "no-zeroes-off", greeting(1) + reply(8, 1) + reply(
        10, 1) + reply(7, 0x80000001) + reply(3, 1) + struct.pack(
        ">QH", SIZE, 1) + bytes(124) + whole[0]
    yield "oldest", b"NBDMAGIC" + struct.pack(
        ">QQI", 0x420281861253, SIZE, 1) + bytes(124)
    yield "refused", start + reply(7, 0x80000006, b"there is no such thing")


# --- texts -------------------------------------------------------------------

TEXTS = [
    "driver=raw,node-name=r,file.driver=file,file.filename=/a,,b,size=512",
    "driver=nbd,server.type=inet,server.host=h,server.port=1,export=e",
    'json:{"driver": "raw", "file": {"driver": "file", "filename": "/x"}}',
    '{"driver": "null-co", "size": 1024, "read-zeroes": true}',
    "json:{'file.driver': 'nbd', 'file.server.path': '/s', 'a.0': 1}",
    "nbd://[::1]:10809/a%20b", "nbd+unix:///e?socket=/tmp/s",
    "nbd:unix:/s:exportname=e", "nbd:h:1", "file:/a", "/plain/name", "a:b",
    "socket,id=s,path=/p,server=on,wait=off", "stdio,id=s", "s,pretty=on",
    "nbd,id=e,node-name=n,writable=on,bitmaps.0=b,bitmaps.1.node=n",
    "addr.type=unix,addr.path=/p,max-connections=3", "help", "1.5G", "0x200k",
    "throttle-group,id=g,limits.iops-total=5,x-bps-read=1M",
    "tls-creds-x509,id=t,dir=/d,endpoint=server,verify-peer=off",
]


def text_inputs():
    for number, value in enumerate(TEXTS):
        yield f"{number:02}", value.encode()


# --- images ------------------------------------------------------------------

# Of these each field is broken.
BROKEN = ("plain", "snapshot", "bitmaps", "subclusters")


def image_inputs():
    for name, data in qcow2_images.inputs():
        yield name, data
        fields = Fields(data)
        source = random.Random(name)
        for what, at, kind in fields.all if name in BROKEN else ():
            value = source.choice(fields.values(at, kind, source))
            yield (f"{name} {what} {value:#x}".replace(": ", " ").replace(
                " ", "-"), fields.damaged(at, kind, value))


def main():
    folder = Path(sys.argv[1])
    targets = {"qmp": qmp_inputs, "nbd-server": client_inputs,
               "nbd-client": server_inputs, "options": text_inputs,
               **{f"qcow2-{name}": image_inputs
                  for name in ("open", "check", "bitmaps")}}
    for target, inputs in targets.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs():
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
