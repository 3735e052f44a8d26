#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes BUILD/tidemark and BUILD/compat/NAME links to the program.
# Usage: make-compat.sh BUILD PROGRAM STAMP NAME...
set -eu
build=$1 program=$2 stamp=$3
shift 3
mkdir -p "$build/compat"
ln -sfn "$(realpath --relative-to="$build" "$program")" "$build/tidemark"
for name; do
    ln -sfn ../tidemark "$build/compat/$name"
done
: >"$stamp"
