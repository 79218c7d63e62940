#!/usr/bin/env bash
# Runs Medulla on other kernels than this machine's: Debian's, in QEMU, with this machine's file system as the guest's
# root (read-only, memory over it: nothing of it stays). Each kernel gets a user's walk through the commands and, but
# for --short, the kernel tests that are built here. Verified instructions are compared with a table, or written to it.
# Usage: scripts/kernels.sh [--short] [--record] [--walk] [--tests] [SERIES | newest | here]...
# Without a kernel 6.12 and newest, --short 6.12. A script has MEDULLA_GUEST_SECONDS (1800, --short 480) in its guest.
# `here` is this machine's kernel, of which only the instructions are counted.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'kernels: %s\n' "$*"; }
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

usage() {
  echo "usage: scripts/kernels.sh [--short] [--record] [--walk] [--tests] [SERIES | newest | here]..." >&2
  exit 64
}

record=no short=no limit=${MEDULLA_GUEST_SECONDS:-1800} scripts=(walk tests) kernels=()
for argument in "$@"; do
  case $argument in
    --short) short=yes limit=${MEDULLA_GUEST_SECONDS:-480} scripts=(walk) ;;
    --walk) scripts=(walk) ;;
    --tests) scripts=(tests) ;;
    --record) record=yes ;;
    newest | here | [0-9]*.[0-9]*) kernels+=("$argument") ;;
    *) usage ;;
  esac
done
if [ ${#kernels[@]} = 0 ]; then
  kernels=(6.12)
  [ "$short" = yes ] || kernels+=(newest)
fi

if [ "$(id -u)" != 0 ]; then
  say "the guest sees this machine's files through a program that needs root: sudo env \"PATH=\$PATH\" make kernels"
  exit 1
fi
[ "$(uname -m)" = x86_64 ] || { say "guests are x86-64 machines, this one is not"; exit 1; }
scripts/setup.sh --kernels

medulla=${MEDULLA:-$PWD/.build/debug/medulla}
[ -x "$medulla" ] || { say "there is no $medulla: swift build, or name another in MEDULLA"; exit 1; }
daemon=
for daemon in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd ""; do [ -x "$daemon" ] && break; done
[ -n "$daemon" ] || { say "there is no virtiofsd: apt-get install virtiofsd"; exit 1; }

# A machine that is a guest itself may have /dev/kvm and not the processor's help, and KVM then stops in mid-boot.
acceleration=(-accel "tcg,thread=multi")
if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then acceleration=(-accel kvm); fi

cache=${MEDULLA_KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/medulla/kernels}
mkdir -p "$cache"
work=$(mktemp -d)
children=()
clean_up() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# apt with sources and lists of its own, so that asking for suites that this machine does not use changes nothing here.
private_apt() {
  local program=$1
  shift
  "$program" -o "Dir::Etc::SourceList=$cache/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State::Lists=$cache/apt/lists" -o "Dir::Cache=$cache/apt" -o APT::Sandbox::User=root "$@"
}

read_newest() {
  local codename archive
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  archive=$(archive "$codename")
  [ -n "$archive" ] || { say "no source of $codename/main is known here, so neither is one of its newest kernel"; exit 1; }
  mkdir -p "$cache"/apt/{lists,archives}/partial
  printf "deb $archive %s main\n" sid experimental >"$cache/apt/sources.list"
  private_apt apt-get update -qq
}

# The newest release of a kernel, and the apt that knows it.
apt=
release_of() {
  local pattern
  if [ "$1" = newest ]; then
    apt=private_apt pattern='[0-9.]+'
    read_newest
  else
    apt=command pattern="${1//./\\.}\\.[0-9.]+"
  fi
  release=$($apt apt-cache --names-only search "^linux-image-$pattern(\\+deb[0-9.]+|-[0-9]+)?-amd64\$" | awk '{print $1}' |
    sed 's/^linux-image-//' | sort -V | tail -n 1)
  [ -n "$release" ] || {
    say "no package of Linux $1 is in this machine's sources: apt-get update, or add the suite that has it"
    exit 1
  }
}

# Fetches a kernel and keeps of it what boots, and the modules that commands and tests ask for.
modules=(virtio_pci fuse virtiofs overlay veth tun dummy ifb sch_netem sch_fq sch_fq_codel sch_tbf sch_htb sch_ingress
  cls_bpf tcp_bbr tcp_dctcp tcp_diag inet_diag sock_diag vmlinux)
unpack() {
  local release=$1 from=$work/package tree=$work/modules/lib/modules/$1 packages=() part name file
  [ -f "$cache/$release/modules.cpio" ] && return
  for part in image base binary modules; do
    name=linux-$part-$release
    [ -z "$($apt apt-cache --names-only search "^${name//+/\\+}\$")" ] || packages+=("$name")
  done
  say "fetching ${packages[*]}"
  rm -rf "$from" "$work/modules"
  mkdir -p "$from" "$tree"
  (cd "$from" && $apt apt-get -o APT::Sandbox::User=root download -qq "${packages[@]}")
  for file in "$from"/*.deb; do dpkg-deb -x "$file" "$from"; done
  local source
  source=$(find "$from" -path "*lib/modules/$release" -type d)
  cp "$source"/modules.{builtin,builtin.modinfo,order} "$tree/"
  depmod -b "${source%/lib/modules/*}" "$release"
  for name in "${modules[@]}"; do
    modprobe -d "${source%/lib/modules/*}" -S "$release" --show-depends "$name" 2>/dev/null || true
  done | awk '$1 == "insmod" {print $2}' | sort -u | while read -r file; do
    name=$tree/${file#*/lib/modules/"$release"/}
    mkdir -p "$(dirname "$name")"
    case $file in
      *.xz) xz -dc "$file" >"${name%.xz}" ;;
      *.zst) zstd -qdc "$file" >"${name%.zst}" ;;
      *) cp "$file" "$name" ;;
    esac
  done
  depmod -b "$work/modules" "$release" 2>/dev/null
  mkdir -p "$work/kept"
  pack "$work/modules" >"$work/kept/modules.cpio"
  mv "$(find "$from" -name 'vmlinuz*' -type f)" "$work/kept/vmlinuz"
  rm -rf "${cache:?}/$release"
  mv "$work/kept" "$cache/$release"
  rm -rf "$from" "$work/modules"
}

pack() { (cd "$1" && find . -mindepth 1 | busybox cpio -o -H newc 2>/dev/null); }

# Boots a kernel and runs a script of scripts/kernels there; its output is this function's.
boot() {
  local release=$1 script=$2 limit=$3 log=$work/log tree=$work/tree
  rm -rf "$tree" "$log" "$work/socket"
  mkdir -p "$tree"/{bin,proc,sys,dev,host,memory,merged}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  cp scripts/kernels/init "$tree/init"
  { cat "$cache/$release/modules.cpio"; pack "$tree"; } >"$work/initrd"
  "$daemon" --socket-path="$work/socket" -o source=/ -o cache=always -o sandbox=chroot >"$work/virtiofsd.log" 2>&1 &
  children=($!)
  for _ in $(seq 50); do [ -S "$work/socket" ] && break; sleep 0.1; done
  timeout "$limit" qemu-system-x86_64 "${acceleration[@]}" -cpu max -smp 2 -m 3G \
    -nodefaults -display none -no-reboot -object memory-backend-memfd,id=memory,size=3G,share=on -numa node,memdev=memory \
    -chardev "socket,id=files,path=$work/socket" -device vhost-user-fs-pci,chardev=files,tag=host \
    -serial "file:$log" -kernel "$cache/$release/vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 panic=-1 \
quiet loglevel=3 medulla.checkout=$PWD medulla.script=scripts/kernels/$script.sh medulla.path=$PATH \
medulla.program=$medulla medulla.bundles=$work/bundles" </dev/null >"$work/qemu.log" 2>&1 &
  children+=($!)
  local guest=$! status=0
  tail -n +1 -F --pid="$guest" "$log" 2>/dev/null | sed -u 's|\r$||' &
  children+=($!)
  # A signal ends a wait, but not a program that the shell waits for in the foreground.
  wait "$guest" || status=$?
  [ "$status" = 0 ] || { say "the guest did not end by itself ($status)"; tail -n 3 "$work/qemu.log"; }
  wait
  children=()
  grep -q 'guest: ended with 0' "$log"
}

# Verified instructions of a kernel's series against the table; a rise of more than this part fails.
table=docs/results/verified-instructions.txt
tolerance=2
compare() {
  local series=$1 lines=$2
  [ -s "$lines" ] || { say "Linux $series: nothing was verified"; return 1; }
  if [ "$record" = yes ]; then
    { grep '^#' "$table"; { grep -v -e '^#' -e "^$series " "$table"; sed "s/^verified/$series/" "$lines"; } |
      LC_ALL=C sort -k1,1V -k2; } >"$work/table"
    cp "$work/table" "$table"
    say "Linux $series: written to $table"
  elif ! grep -q "^$series " "$table"; then
    say "Linux $series is not in $table; --record writes it"
  else
    awk -v series="$series" -v tolerance=$tolerance '
      NR == FNR { if ($1 == series) was[$2 " " $3] = $4; next }
      { key = $2 " " $3; seen[key] = 1 }
      !(key in was) { print "kernels: " key " has no row for Linux " series ": --record writes it"; bad = 1; next }
      $4 > was[key] * (1 + tolerance / 100) {
        print "kernels: " key ": " $4 " instructions verified on Linux " series ", " was[key] " before"; bad = 1 }
      END { for (key in was) if (!(key in seen)) { print "kernels: " key " was not verified"; bad = 1 }; exit bad }
    ' "$table" "$lines" && say "Linux $series: no more instructions verified than before"
  fi
}

# Bundles are made here, where the compiler is fast; the guest verifies and runs them.
bundle() {
  local model=$1 calibration=$2 name=$3
  shift 3
  "$medulla" compile "$model" --calibration "$calibration" -o "$work/bundles/$name.medulla" "$@" >/dev/null
}
mkdir -p "$work/bundles"
cp models/aurora-medulla-calibration.npy "$work/bundles/aurora.npy"
sed -e 's/SEC("tc")/SEC("xdp")/; s/struct __sk_buff/struct xdp_md/; s/TC_ACT_UNSPEC/XDP_PASS/; /skb->\(priority\|mark\) =/d' \
  examples/custom-function/classify.bpf.c >"$work/bundles/classify-xdp.bpf.c"
bundle models/aurora-medulla.onnx models/aurora-medulla-calibration.npy aurora
bundle models/aurora-medulla.onnx models/aurora-medulla-calibration.npy next --percentile 99.9
bundle models/congestion-medulla.onnx models/congestion-medulla-calibration.npy congestion
function=examples/custom-function/classify
own=(--program $function.bpf.c --program "$work/bundles/classify-xdp.bpf.c")
bundle $function.safetensors $function-calibration.npy classify "${own[@]}"
bundle $function.safetensors $function-calibration.npy classify-next --percentile 99.9 "${own[@]}"
classifier=examples/classifier
bundle $classifier/classifier.safetensors $classifier/calibration.npy flows --features $classifier/features.txt \
  --labels $classifier/labels.txt
# For kernels before Linux 6.6.
bundle models/aurora-medulla.onnx models/aurora-medulla-calibration.npy aurora-old --kernel 6.1
bundle $function.safetensors $function-calibration.npy classify-old --kernel 6.1 "${own[@]}"

failed=()
for kernel in "${kernels[@]}"; do
  if [ "$kernel" = here ]; then
    MEDULLA=$medulla BUNDLES=$work/bundles scripts/kernels/verified.sh >"$work/verified"
    series=$(uname -r | grep -oE '^[0-9]+\.[0-9]+')
    compare "$series" "$work/verified" || failed+=("$series: verified instructions")
    continue
  fi
  release_of "$kernel"
  unpack "$release"
  chosen=("${scripts[@]}")
  if [ "$(printf '%s\n' 6.6 "$release" | sort -V | head -n 1)" != 6.6 ]; then chosen=(old); fi
  for script in "${chosen[@]}"; do
    begin=$SECONDS
    say "Linux $release: $script"
    boot "$release" "$script" "$limit" || failed+=("$release: $script")
    say "Linux $release: $script took $((SECONDS - begin)) s"
    [ "$script" = walk ] || continue
    grep '^verified ' "$work/log" | tr -d '\r' >"$work/verified" || true
    series=$(grep -oE '^[0-9]+\.[0-9]+' <<<"$release")
    compare "$series" "$work/verified" || failed+=("$release: verified instructions")
  done
done
say "took $SECONDS s"
[ ${#failed[@]} = 0 ] || { printf 'kernels: failed: %s\n' "${failed[@]}"; exit 1; }
