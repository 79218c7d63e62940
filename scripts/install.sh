#!/usr/bin/env bash
# Puts the programs of bin/, the systemd units and the documents under a prefix, or takes them away again
# (--remove), with the folders that it made where nothing else is in them. DESTDIR, for packagers, comes before
# every path. Configuration and history are never touched.
#
# Usage: scripts/install.sh [--remove] PREFIX
set -euo pipefail
cd "$(dirname "$0")/.."

remove=no
if [ "${1:-}" = --remove ]; then
  remove=yes
  shift
fi
prefix=${1:?usage: scripts/install.sh [--remove] PREFIX}
destination=${DESTDIR:-}
units=/usr/lib/systemd/system
files=(
  "bin/medulla $prefix/bin/medulla 755"
  "bin/medullad $prefix/bin/medullad 755"
  "bin/medulla-lab $prefix/bin/medulla-lab 755"
  "bin/libmedulla_nf.so $prefix/lib/libmedulla_nf.so 644"
  "bin/nf_demux.bpf.o $prefix/share/medulla/nf_demux.bpf.o 644"
  "systemd/medullad.service $units/medullad.service 644"
  "systemd/medullad.socket $units/medullad.socket 644"
  "systemd/medulla.sysusers /usr/lib/sysusers.d/medulla.conf 644"
  "systemd/medulla.tmpfiles /usr/lib/tmpfiles.d/medulla.conf 644"
)
# Only where it was built; what an earlier installation put there goes too.
if [ -f bin/libmedulla_dpdk.so ] || [ "$remove" = yes ]; then
  files+=("bin/libmedulla_dpdk.so $prefix/lib/libmedulla_dpdk.so 644")
fi
for header in medulla_nf nf_intf nf_ring nf_welcome; do
  files+=("Sources/CMedullaNF/include/$header.h $prefix/include/medulla/$header.h 644")
done
# Folders as in the tree, so that links between pages hold.
for page in docs/{use,reference,internals,results}/*; do files+=("$page $prefix/share/doc/medulla/${page#docs/} 644"); done

# The folders that were not there before, one a line, inner ones last; it goes with them.
made=$prefix/share/doc/medulla/.folders

# make_folder PATH: with those around it, each noted.
make_folder() {
  [ -d "$destination$1" ] && return
  if [ "$1" = / ]; then
    mkdir -p "$destination"
    return
  fi
  make_folder "$(dirname "$1")"
  install -d -m 755 "$destination$1"
  folders+=("$1")
}

folders=()
for entry in "${files[@]}"; do
  read -r source target mode <<<"$entry"
  [ "$remove" = yes ] || make_folder "$(dirname "$target")"
  if [ "$remove" = yes ]; then
    rm -f "$destination$target"
  elif [ "$source" = systemd/medullad.service ]; then
    # The unit names the program by its whole path.
    sed "s|/usr/local/|$prefix/|g" "$source" >"$destination$target"
    chmod "$mode" "$destination$target"
  else
    install -m "$mode" "$source" "$destination$target"
  fi
done

if [ "$remove" = yes ]; then
  [ -f "$destination$made" ] && mapfile -t folders <"$destination$made"
  rm -f "$destination$made"
  for ((i = ${#folders[@]} - 1; i >= 0; i--)); do
    # What someone else put there stays, and so does its folder.
    rmdir --ignore-fail-on-non-empty "$destination${folders[i]}" 2>/dev/null || true
  done
  echo "install: removed from $destination$prefix; configuration (/etc/medulla) and history (/var/lib/medulla) stay"
  exit 0
fi
# An installation over an older one made none; what that one made is still known.
if [ ${#folders[@]} -gt 0 ]; then
  printf '%s\n' "${folders[@]}" >>"$destination$made"
  chmod 644 "$destination$made"
fi
echo "install: installed to $destination$prefix"
if [ -z "$destination" ] && [ -d /run/systemd/system ]; then
  systemd-sysusers medulla.conf
  systemd-tmpfiles --create medulla.conf
  systemctl daemon-reload
  echo "install: write /etc/medulla/medulla.yaml (docs/use/daemon.md), then systemctl enable --now medullad"
fi
