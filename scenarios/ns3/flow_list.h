/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <istream>
#include <vector>

/// One flow of the workload, as its sender knows it.
struct PlannedFlow {
  uint64_t startNs = 0;
  uint32_t source = 0;
  uint32_t destination = 0;
  uint64_t bytes = 0;
  /// What its application hands over first.
  uint64_t firstBytes = 0;
  /// The band by its true size: what an oracle says.
  uint32_t trueBand = 0;
  /// The network's features but for the first, the payload so far; in fixed point.
  std::vector<int64_t> features;
};

/// Reads flows, one a line: start in ns, source, destination, bytes, bytes of the first write, true band,
/// features.
/// Throws `std::runtime_error` that names the line when one is malformed or out of range.
std::vector<PlannedFlow> ReadFlows(std::istream& input, uint32_t hosts, uint32_t bands, uint32_t features);
