#!/usr/bin/env bash
# Has the running kernel verify the bundles' programs: a line `verified BUNDLE PROGRAM INSTRUCTIONS` for each.
# Usage: MEDULLA=… BUNDLES=… verified.sh
set -euo pipefail
for bundle in aurora congestion classify flows; do
  "$MEDULLA" inspect --verify "$BUNDLES/$bundle.medulla" | awk -v bundle="$bundle" '{print "verified", bundle, $1, $2}'
done
