#!/usr/bin/env bash
# Builds the library by which network functions in C and Python attach to a chain: one file, for which a C compiler
# is enough. Usage: scripts/nf-library.sh OUTPUT      CC=cc
set -euo pipefail
output=${1:?usage: scripts/nf-library.sh OUTPUT}
source=$(dirname "$0")/../Sources/CMedullaNF

# In place of the old file, not into it: a function that runs keeps its own.
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -I"$source/include" \
  -o "$output.new" "$source/attach.c" "$source/client.c"
mv "$output.new" "$output"
