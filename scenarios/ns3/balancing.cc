/* SPDX-License-Identifier: GPL-2.0 */
/// Load balancing in a leaf-spine fabric: DCTCP flows whose senders choose the spine, by what a neural
/// network predicts of each path from what the host's own flows saw there. Writes one JSON line a flow and
/// one for the run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "balanced_flow.h"
#include "flow_list.h"
#include "ns3/command-line.h"
#include "ns3/simulator.h"
#include "run_options.h"
#include "run_report.h"
#include "transport.h"

using namespace ns3;

namespace {

constexpr uint16_t kServerPort = 5000;

struct Options : RunOptions {
  BalancingOptions balancing;
};

Options ReadOptions(int count, char** words) {
  Options options;
  std::string source = "hash";
  uint32_t flowletUs = 0;
  CommandLine line;
  options.AddValues(line);
  line.AddValue("source", "paths: hash, least-rtt or predicted", source);
  line.AddValue("hold", "a flow waits for its first answer", options.balancing.holds);
  line.AddValue("flowlet-us", "silence after which a flow asks again; 0: never", flowletUs);
  line.AddValue("margin", "costs that count as the same, as the network's output", options.balancing.margin);
  line.AddValue("explored", "of a hundred flows, those that take the hash's path",
                options.balancing.explored);
  line.AddValue("shuffled", "paths are told to the network in an order of chance",
                options.balancing.shuffled);
  line.Parse(count, words);
  options.Complete();
  options.balancing.flowlet = MicroSeconds(flowletUs);
  if (source == "least-rtt") {
    options.balancing.source = BalancingOptions::Source::kLeastRoundTrip;
  } else if (source == "predicted") {
    options.balancing.source = BalancingOptions::Source::kPredicted;
  } else if (source != "hash") {
    throw std::runtime_error("--source is hash, least-rtt or predicted");
  }
  if (options.fabric.spines != path_network_paths() || options.balancing.margin < 0) {
    throw std::runtime_error("the fabric needs as many spines as the network has outputs, and a margin of 0 "
                             "or more");
  }
  return options;
}

/// Senders and receivers over a fabric.
class Balancing {
 public:
  explicit Balancing(const Options& options)
      : m_options(options), m_fabric(options.fabric), m_hosts(options.fabric.hosts) {
    std::ifstream file(options.flows);
    if (!file) throw std::runtime_error("cannot read " + options.flows);
    m_plans = ReadFlows(file, options.fabric.hosts, 1, 0);
    for (uint32_t host = 0; host < options.fabric.hosts; host++) {
      m_servers.push_back(std::make_unique<InferenceServer>(options.server));
      m_hosts[host].paths.resize(options.fabric.spines);
      m_hosts[host].server = m_servers.back().get();
      Listen(m_fabric.Host(host), kServerPort,
             [this](const InetSocketAddress& sender, uint32_t bytes) { Arrived(sender, bytes); });
      m_fabric.SetOutputHook(host, [this, host](uint16_t port, uint32_t) { return Tag(host, port); });
    }
    uint64_t last = 0;
    for (const auto& plan : m_plans) {
      if (m_fabric.LeafOf(plan.source) == m_fabric.LeafOf(plan.destination)) {
        throw std::runtime_error("a flow within a leaf has no path to choose");
      }
      m_flows.push_back(std::make_unique<BalancedFlow>(plan, m_options.balancing, m_hosts[plan.source]));
      BalancedFlow* flow = m_flows.back().get();
      Simulator::Schedule(NanoSeconds(plan.startNs), [this, flow] { Start(flow); });
      last = std::max(last, plan.startNs);
    }
    Simulator::Stop(NanoSeconds(last) + MilliSeconds(options.patienceMs));
  }

  void Report(FILE* file, double wallSeconds) const;

 private:
  static uint64_t Key(Ipv4Address address, uint16_t port) {
    return static_cast<uint64_t>(address.Get()) << 16 | port;
  }

  void Start(BalancedFlow* flow) {
    const auto& plan = flow->Plan();
    const Ipv4Address own = m_fabric.Address(plan.source);
    flow->Open(m_fabric.Host(plan.source), own,
               InetSocketAddress(m_fabric.Address(plan.destination), kServerPort));
    m_byPort[Key(own, flow->Port())] = flow;
  }

  /// Acknowledgements go by the switches' hash.
  uint8_t Tag(uint32_t host, uint16_t port) {
    if (port == kServerPort) return LeafSpineRouting::PathBits(0);
    auto flow = m_byPort.find(Key(m_fabric.Address(host), port));
    return LeafSpineRouting::PathBits(flow == m_byPort.end() ? 0 : flow->second->Path() + 1);
  }

  void Arrived(const InetSocketAddress& sender, uint32_t bytes) {
    BalancedFlow* flow = m_byPort.at(Key(sender.GetIpv4(), sender.GetPort()));
    if (flow->Received(bytes) && ++m_complete == m_flows.size()) Simulator::Stop();
  }

  Options m_options;
  LeafSpine m_fabric;
  std::vector<PathHost> m_hosts;
  std::vector<PlannedFlow> m_plans;
  std::vector<std::unique_ptr<InferenceServer>> m_servers;
  std::vector<std::unique_ptr<BalancedFlow>> m_flows;
  std::unordered_map<uint64_t, BalancedFlow*> m_byPort;
  size_t m_complete = 0;
};

void WriteNumbers(FILE* file, const char* name, const std::vector<int64_t>& numbers) {
  std::fprintf(file, "\"%s\":[", name);
  for (size_t index = 0; index < numbers.size(); index++) {
    std::fprintf(file, "%s%lld", index > 0 ? "," : "", static_cast<long long>(numbers[index]));
  }
  std::fprintf(file, "]");
}

void WriteInference(FILE* file, const char* name, const BalancedFlow::Inference& inference) {
  std::fprintf(file, ",\"%s\":{", name);
  WriteNumbers(file, "features", inference.features);
  std::fprintf(file, ",");
  WriteNumbers(file, "outputs", inference.outputs);
  std::fprintf(file, "}");
}

void Balancing::Report(FILE* file, double wallSeconds) const {
  for (size_t index = 0; index < m_flows.size(); index++) {
    const auto& flow = *m_flows[index];
    const auto& seen = flow.Seen();
    std::fprintf(file, "{\"flow\":%zu,\"bytes\":%llu,\"path\":%u,\"questions\":%llu,\"moves\":%llu", index,
                 static_cast<unsigned long long>(flow.Plan().bytes), flow.Path(),
                 static_cast<unsigned long long>(flow.Questions()),
                 static_cast<unsigned long long>(flow.Moves()));
    std::fprintf(file, ",\"segments\":%llu,\"again\":%llu,\"mean_rtt_us\":%.3f",
                 static_cast<unsigned long long>(seen.segments), static_cast<unsigned long long>(seen.again),
                 seen.samples > 0 ? seen.sumUs / static_cast<double>(seen.samples) : 0);
    if (flow.Complete()) {
      std::fprintf(file, ",\"fct_ns\":%lld", (long long)flow.CompletionTime().GetNanoSeconds());
    }
    if (!flow.AnsweredAfter().IsNegative()) {
      std::fprintf(file, ",\"answered_ns\":%lld", (long long)flow.AnsweredAfter().GetNanoSeconds());
    }
    if (flow.Questions() > 0) {
      WriteInference(file, "first", flow.First());
      WriteInference(file, "last", flow.Last());
    }
    std::fprintf(file, "}\n");
  }
  WriteTotals(file, path_network_digest(), m_fabric, m_servers, wallSeconds);
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options = ReadOptions(count, words);
    SetTransportDefaults(options.fabric.mtu, false);
    Balancing balancing(options);
    const auto begin = std::chrono::steady_clock::now();
    Simulator::Run();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    balancing.Report(stdout, wall.count());
    // Taking the simulation apart node by node takes longer than the process's end, and says nothing.
    std::exit(std::fflush(stdout) == 0 ? 0 : 1);
  } catch (const std::exception& error) {
    std::cerr << "balancing: " << error.what() << std::endl;
    return 2;
  }
}
