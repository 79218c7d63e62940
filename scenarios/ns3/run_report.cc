/* SPDX-License-Identifier: GPL-2.0 */
#include "run_report.h"

#include <algorithm>

#include "ns3/simulator.h"

using namespace ns3;

void WriteTotals(FILE* file, const char* digest, const LeafSpine& fabric,
                 const std::vector<std::unique_ptr<InferenceServer>>& servers, double wallSeconds) {
  InferenceServer::Counts sum;
  for (const auto& server : servers) {
    sum.asked += server->Seen().asked;
    sum.refused += server->Seen().refused;
    sum.waitSum += server->Seen().waitSum;
    sum.waitMost = std::max(sum.waitMost, server->Seen().waitMost);
  }
  const uint64_t answered = sum.asked - sum.refused;
  std::fprintf(file,
               "{\"digest\":\"%s\",\"events\":%llu,\"simulated_ns\":%lld,\"wall_s\":%.3f,\"dropped\":%llu,"
               "\"marked\":%llu,\"asked\":%llu,\"refused\":%llu,\"wait_mean_ns\":%.1f,"
               "\"wait_most_ns\":%.1f}\n",
               digest, (unsigned long long)Simulator::GetEventCount(),
               (long long)Simulator::Now().GetNanoSeconds(), wallSeconds,
               (unsigned long long)fabric.Dropped(), (unsigned long long)fabric.Marked(),
               (unsigned long long)sum.asked, (unsigned long long)sum.refused,
               answered > 0 ? sum.waitSum / answered * 1e9 : 0, sum.waitMost * 1e9);
}
