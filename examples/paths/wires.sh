#!/usr/bin/env bash
# Two wires to a namespace of its own, and a third for what comes back: something to choose from.
# Usage: wires.sh up | slow NUMBER | down
set -euo pipefail
far=medulla-far

case "${1:-}" in
  up)
    ip netns add $far
    for wire in 1 2 3; do
      ip link add med-near$wire type veth peer name med-far$wire netns $far
      ip addr add 10.90.$wire.1/24 dev med-near$wire
      ip link set med-near$wire up
      ip -n $far addr add 10.90.$wire.2/24 dev med-far$wire
      ip -n $far link set med-far$wire up
      # Programs are told of next hops only where a device forwards.
      sysctl -qw net.ipv4.conf.med-near$wire.forwarding=1 net.ipv4.conf.med-near$wire.rp_filter=0
      ip netns exec $far sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.med-far$wire.rp_filter=0
    done
    # Packets to 10.99.0.2 go to a device that leads nowhere: a path must be chosen for them. The routes
    # over the wires say how each path goes on.
    ip link add med-hook type veth peer name med-end
    ip link set med-end arp off up
    ip link set med-hook arp off up
    ip -n $far addr add 10.99.0.2/32 dev lo
    ip -n $far link set lo up
    ip route add 10.99.0.2/32 dev med-hook src 10.90.3.1
    for wire in 1 2; do
      ip route add 10.99.0.2/32 via 10.90.$wire.2 dev med-near$wire src 10.90.3.1 metric 10$wire
      tc qdisc add dev med-near$wire root tbf rate 200mbit burst 64kb limit 400kb
    done
    ;;
  slow)
    for wire in 1 2; do
      rate=200mbit
      [ "$wire" = "${2:?which wire}" ] && rate=8mbit
      tc qdisc change dev med-near$wire root tbf rate $rate burst 64kb limit 400kb
    done
    ;;
  down)
    for device in med-near1 med-near2 med-near3 med-hook; do
      ip link del $device 2>/dev/null || true
    done
    ip netns del $far
    ;;
  *)
    echo "usage: wires.sh up | slow NUMBER | down" >&2
    exit 64
    ;;
esac
