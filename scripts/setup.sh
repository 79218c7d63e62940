#!/usr/bin/env bash
# Installs what Medulla builds and tests with: Debian packages by name, and a Python environment that only
# Installs what Medulla builds and tests with: Debian packages by name, and a Python environment that only
# the tests use (ONNX Runtime, to compare with; MEDULLA_SETUP_PYTHON=no leaves it out, and DPDK). With --testbed also the
# the tests use (ONNX Runtime, to compare with; MEDULLA_SETUP_PYTHON=no leaves it out, and DPDK). With --testbed also the
# programs that experiments drive, with --images only the images of the fabric's demonstration, with --kernels only what boots other kernels, with --referee only .venv-referee, where
# programs that experiments drive, with --images only the images of the fabric's demonstration, with --kernels only what boots other kernels, with --referee only .venv-referee, where
# river is, which the row studies are compared with. Says what it does; does nothing twice.
# river is, which the row studies are compared with. Says what it does; does nothing twice.
# Usage: scripts/setup.sh [--testbed | --images | --kernels | --referee]
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }

packages=(build-essential ca-certificates git pkg-config libelf-dev zlib1g-dev libsqlite3-dev libssl-dev libyaml-dev libpcap-dev libxdp-dev linux-libc-dev iproute2 iperf3
  iputils-ping procps python3 python3-venv python3-yaml tcpreplay)
# What is loaded where it is there; releases of Debian other than 12 have another version, which is not known.
optional_packages=(libndpi4.2)
# DPDK is an option for users, and images are shown by a demonstration, so that only tests need them.
[ "${MEDULLA_SETUP_PYTHON:-yes}" = yes ] && optional_packages+=(libdpdk-dev dataset-fashion-mnist)
testbed_packages=(curl dataset-fashion-mnist dpdk-dev ethtool nginx-light wrk)
kernels_packages=(busybox-static iproute2 iperf3 kmod qemu-system-x86 xz-utils zstd)
libbpf_minimum=1.3

# A Python environment of its own for each file of requirements.
python_environment() { # FOLDER REQUIREMENTS PURPOSE
  cmp -s "$2" "$1/.medulla-requirements" && return
  say "making $1 with $3"
  "$1/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$1"
  "$1/bin/python" -m pip install -q --disable-pip-version-check -r "$2"
  cp "$2" "$1/.medulla-requirements"
}

case "${1:-}" in
  "") ;;
  --referee)
    python_environment .venv-referee scripts/referee/requirements.txt "river for the referee of the row studies"
    say "ready"
    exit 0
    ;;
  --testbed) packages+=("${testbed_packages[@]}") ;;
  --images)
    packages=(dataset-fashion-mnist python3)
    optional_packages=()
    MEDULLA_SETUP_PYTHON=no
    ;;
  --kernels)
    packages=("${kernels_packages[@]}")
    optional_packages=()
    MEDULLA_SETUP_PYTHON=no
    ;;
  *)
    echo "usage: scripts/setup.sh [--testbed | --images | --kernels | --referee]" >&2
    exit 64
    ;;
esac

if ! command -v swift >/dev/null; then
  say "swift is missing: install Swift 6.1 or later from https://swift.org/install"
  say "under sudo, keep the path: sudo env \"PATH=\$PATH\" make …"
  exit 1
fi

# shellcheck source=scripts/packages.sh
. scripts/packages.sh

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

libbpf_is_recent() {
  local version
  version=$(dpkg-query -W -f='${Version}' libbpf-dev 2>/dev/null) || return 1
  dpkg --compare-versions "${version#*:}" ge "$libbpf_minimum"
}

refreshed=no
refresh() {
  [ "$refreshed" = yes ] && return
  say "reading the package lists"
  as_root apt-get update -qq
  refreshed=yes
}

install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

install_libbpf() {
  local source=() candidate codename list archive
  refresh
  candidate=$(apt-cache policy libbpf-dev | awk '/Candidate:/ {print $2}')
  if ! dpkg --compare-versions "${candidate#*:}" ge "$libbpf_minimum"; then
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    list=/etc/apt/sources.list.d/medulla-backports.list
    archive=$(archive "$codename")
    if [ -z "$archive" ]; then
      say "libbpf here is $candidate, $libbpf_minimum or later is needed, and no source of $codename/main is known"
      exit 1
    fi
    say "libbpf here is $candidate; adding $codename-backports of $archive ($list)"
    echo "deb $archive $codename-backports main" | as_root tee "$list" >/dev/null
    as_root apt-get update -qq
    source=(-t "$codename-backports")
  fi
  say "installing libbpf-dev"
  install_packages "${source[@]}" libbpf-dev
}

if command -v dpkg-query >/dev/null; then
  missing=()
  for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} -gt 0 ]; then
    refresh
    say "installing ${missing[*]}"
    install_packages "${missing[@]}"
  fi
  libbpf_is_recent || install_libbpf
  for package in "${optional_packages[@]}"; do
    installed "$package" && continue
    refresh
    if apt-cache show "$package" >/dev/null 2>&1; then
      say "installing $package"
      install_packages "$package"
    else
      say "no $package here: what needs it says so, and the rest works without"
    fi
  done
else
  say "this is no Debian system: install libbpf >= $libbpf_minimum (headers), ${packages[*]} yourself"
fi

if [ "${MEDULLA_SETUP_PYTHON:-yes}" = yes ]; then
  python_environment .venv scripts/test-requirements.txt "ONNX Runtime for the tests"
fi
say "ready"
