#!/usr/bin/env bash
# Installs what Medulla builds and tests with: Debian packages by name, and a Python environment that only
# the tests use (ONNX Runtime, to compare with). Says what it does; does nothing twice.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }

packages=(build-essential pkg-config libelf-dev zlib1g-dev linux-libc-dev iproute2 iperf3 iputils-ping
  procps python3 python3-venv)
libbpf_minimum=1.3

command -v swift >/dev/null || {
  say "swift is missing: install Swift 6.1 or later from https://swift.org/install"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

libbpf_is_recent() {
  local version
  version=$(dpkg-query -W -f='${Version}' libbpf-dev 2>/dev/null) || return 1
  dpkg --compare-versions "${version#*:}" ge "$libbpf_minimum"
}

if ! command -v dpkg-query >/dev/null; then
  say "this is no Debian system: install libbpf >= $libbpf_minimum (headers), ${packages[*]} yourself"
else
  missing=()
  for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
  refreshed=no
  refresh() {
    [ "$refreshed" = yes ] && return
    say "reading the package lists"
    as_root apt-get update -qq
    refreshed=yes
  }
  if [ ${#missing[@]} -gt 0 ]; then
    refresh
    say "installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
  if ! libbpf_is_recent; then
    refresh
    source=()
    candidate=$(apt-cache policy libbpf-dev | awk '/Candidate:/ {print $2}')
    if ! dpkg --compare-versions "${candidate#*:}" ge "$libbpf_minimum"; then
      # shellcheck source=/dev/null
      codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
      list=/etc/apt/sources.list.d/medulla-backports.list
      say "libbpf here is $candidate; adding $codename-backports ($list)"
      echo "deb http://deb.debian.org/debian $codename-backports main" | as_root tee "$list" >/dev/null
      as_root apt-get update -qq
      source=(-t "$codename-backports")
    fi
    say "installing libbpf-dev"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${source[@]}" libbpf-dev >/dev/null
  fi
fi

if [ "${MEDULLA_SETUP_PYTHON:-yes}" = yes ]; then
  stamp=.venv/.medulla-requirements
  if ! cmp -s scripts/test-requirements.txt "$stamp"; then
    say "making .venv with ONNX Runtime for the tests"
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check -r scripts/test-requirements.txt
    cp scripts/test-requirements.txt "$stamp"
  fi
fi
say "ready"
