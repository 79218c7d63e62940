/* SPDX-License-Identifier: GPL-2.0 */
#include "flow_list.h"

#include <sstream>
#include <stdexcept>
#include <string>

/// A host has 16,000 ephemeral ports; a run with more flows than this takes hours.
static constexpr size_t kMostFlows = 200000;
static constexpr uint64_t kMostBytes = 1ULL << 32;
static constexpr uint64_t kLatestStartNs = 3600ULL * 1000000000ULL;

static bool Parse(const std::string& line, uint32_t hosts, uint32_t bands, uint32_t features,
                  PlannedFlow& flow) {
  std::istringstream words(line);
  words >> flow.startNs >> flow.source >> flow.destination >> flow.bytes >> flow.firstBytes >>
      flow.trueBand;
  if (!words) return false;
  for (uint32_t index = 0; index < features; index++) {
    int64_t feature = 0;
    if (!(words >> feature)) return false;
    flow.features.push_back(feature);
  }
  std::string rest;
  return !(words >> rest) && flow.source < hosts && flow.destination < hosts &&
         flow.source != flow.destination && flow.bytes > 0 && flow.bytes <= kMostBytes &&
         flow.startNs <= kLatestStartNs && flow.trueBand < bands;
}

std::vector<PlannedFlow> ReadFlows(std::istream& input, uint32_t hosts, uint32_t bands, uint32_t features) {
  std::vector<PlannedFlow> flows;
  std::string line;
  while (std::getline(input, line)) {
    PlannedFlow flow;
    if (!Parse(line, hosts, bands, features, flow)) {
      throw std::runtime_error("line " + std::to_string(flows.size() + 1) +
                               " of the flow list is no flow of " + std::to_string(hosts) + " hosts and " +
                               std::to_string(bands) + " bands");
    }
    if (flows.size() == kMostFlows) throw std::runtime_error("the flow list is too long");
    flows.push_back(flow);
  }
  if (flows.empty()) throw std::runtime_error("the flow list is empty");
  return flows;
}
