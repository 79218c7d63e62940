/* SPDX-License-Identifier: GPL-2.0 */
#include "run_options.h"

#include <stdexcept>

#include "priority_port.h"

using namespace ns3;

void RunOptions::AddValues(CommandLine& line) {
  line.AddValue("flows", "list of flows", flows);
  line.AddValue("hosts", "hosts", fabric.hosts);
  line.AddValue("leaves", "leaves", fabric.leaves);
  line.AddValue("spines", "spines", fabric.spines);
  line.AddValue("host-rate", "rate of a host's link", fabric.hostRate);
  line.AddValue("fabric-rate", "rate between leaf and spine", fabric.fabricRate);
  line.AddValue("last-spine-rate", "that of the last spine, where it has another", fabric.lastSpineRate);
  line.AddValue("delay", "propagation of a link", fabric.delay);
  line.AddValue("mtu", "bytes of a packet", fabric.mtu);
  line.AddValue("bands", "priorities", fabric.bands);
  line.AddValue("mark-bytes", "length of a band from which it marks", fabric.markBytes);
  line.AddValue("buffer-bytes", "buffer of a switch's port", fabric.bufferBytes);
  line.AddValue("host-buffer-bytes", "buffer of a host's port", fabric.hostBufferBytes);
  line.AddValue("latency-ns", "time of an answer", latencyNs);
  line.AddValue("serial", "one answer of a host at a time", server.serial);
  line.AddValue("queue", "questions that may wait", server.limit);
  line.AddValue("patience-ms", "simulated time after the last arrival", patienceMs);
}

void RunOptions::Complete() {
  server.latency = NanoSeconds(latencyNs);
  if (fabric.leaves == 0 || fabric.leaves > 16 || fabric.hosts < 2 || fabric.hosts > 256 ||
      fabric.hosts % fabric.leaves != 0 || fabric.spines == 0 || fabric.spines > 7) {
    throw std::runtime_error("a fabric has 2 to 256 hosts, equally on 1 to 16 leaves, and 1 to 7 spines");
  }
  if (fabric.bands == 0 || fabric.bands > PriorityPort::kMostBands || fabric.mtu < 576 ||
      fabric.mtu > 9000) {
    throw std::runtime_error("there are 1 to 8 bands and packets of 576 to 9000 bytes");
  }
}
