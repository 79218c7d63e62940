/* SPDX-License-Identifier: GPL-2.0 */
/// Flow scheduling in a leaf-spine fabric: DCTCP flows whose senders tag packets with a priority that a
/// neural network predicts from what a sender knows. Writes one JSON line a flow and one for the run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "inference_server.h"
#include "leaf_spine.h"
#include "medulla_snapshot.h"
#include "ns3/command-line.h"
#include "ns3/inet-socket-address.h"
#include "ns3/simulator.h"
#include "priority_port.h"
#include "run_options.h"
#include "run_report.h"
#include "tagged_flow.h"
#include "transport.h"

using namespace ns3;

namespace {

constexpr uint16_t kServerPort = 5000;

struct Options : RunOptions {
  TaggingOptions tagging;
};

/// Number after number, separated by commas.
std::vector<int64_t> Numbers(const std::string& text) {
  std::vector<int64_t> numbers;
  std::istringstream words(text);
  std::string word;
  while (std::getline(words, word, ',')) numbers.push_back(std::stoll(word));
  return numbers;
}

Options ReadOptions(int count, char** words) {
  Options options;
  std::string source = "none", bounds;
  CommandLine line;
  options.AddValues(line);
  line.AddValue("source", "priorities: none, true-size or predicted", source);
  line.AddValue("bounds", "outputs between bands, ascending", bounds);
  line.AddValue("untagged-band", "band before the first answer", options.tagging.untaggedBand);
  line.AddValue("hold", "first data wait for the answer", options.tagging.holds);
  line.AddValue("every-packet", "ask with every packet", options.tagging.everyPacket);
  line.AddValue("one-outstanding", "one question of a flow at a time", options.tagging.oneOutstanding);
  line.Parse(count, words);
  options.Complete();
  options.tagging.bounds = Numbers(bounds);
  if (source == "true-size") {
    options.tagging.source = TaggingOptions::Source::kTrueSize;
  } else if (source == "predicted") {
    options.tagging.source = TaggingOptions::Source::kPredicted;
  } else if (source != "none") {
    throw std::runtime_error("--source is none, true-size or predicted");
  }
  if (options.tagging.untaggedBand >= options.fabric.bands) {
    throw std::runtime_error("--untagged-band is a band");
  }
  const bool predicts = options.tagging.source == TaggingOptions::Source::kPredicted;
  if (predicts && (options.tagging.bounds.size() + 1 != options.fabric.bands ||
                   !std::is_sorted(options.tagging.bounds.begin(), options.tagging.bounds.end()))) {
    throw std::runtime_error("--bounds wants one number less than there are bands, ascending");
  }
  return options;
}

/// Senders and receivers over a fabric.
class Scheduling {
 public:
  explicit Scheduling(const Options& options)
      : m_options(options), m_fabric(options.fabric) {
    std::ifstream file(options.flows);
    if (!file) throw std::runtime_error("cannot read " + options.flows);
    m_plans = ReadFlows(file, options.fabric.hosts, options.fabric.bands, MEDULLA_SNAPSHOT_INPUTS - 1);
    for (uint32_t host = 0; host < options.fabric.hosts; host++) {
      m_servers.push_back(std::make_unique<InferenceServer>(options.server));
      Listen(m_fabric.Host(host), kServerPort,
             [this](const InetSocketAddress& sender, uint32_t bytes) { Arrived(sender, bytes); });
      m_fabric.SetOutputHook(host, [this, host](uint16_t port, uint32_t payload) {
        return PriorityPort::TypeOfService(Band(host, port, payload));
      });
    }
    uint64_t last = 0;
    for (const auto& plan : m_plans) {
      m_flows.push_back(std::make_unique<TaggedFlow>(plan, options.tagging, *m_servers[plan.source]));
      TaggedFlow* flow = m_flows.back().get();
      Simulator::Schedule(NanoSeconds(plan.startNs), [this, flow] { Start(flow); });
      last = std::max(last, plan.startNs);
    }
    Simulator::Stop(NanoSeconds(last) + MilliSeconds(options.patienceMs));
  }

  void Report(FILE* file, double wallSeconds) const;

 private:
  static uint64_t Key(uint32_t address, uint16_t port) { return static_cast<uint64_t>(address) << 16 | port; }

  void Start(TaggedFlow* flow) {
    const auto& plan = flow->Plan();
    const InetSocketAddress server(m_fabric.Address(plan.destination), kServerPort);
    flow->Open(m_fabric.Host(plan.source));
    m_byPort[Key(m_fabric.Address(plan.source).Get(), flow->Port())] = flow;
    flow->Connect(server);
  }

  uint32_t Band(uint32_t host, uint16_t port, uint32_t payload) {
    // Acknowledgements leave first, in every scheme.
    if (port == kServerPort) return 0;
    auto flow = m_byPort.find(Key(m_fabric.Address(host).Get(), port));
    return flow == m_byPort.end() ? 0 : flow->second->Tag(payload);
  }

  void Arrived(const InetSocketAddress& sender, uint32_t bytes) {
    TaggedFlow* flow = m_byPort.at(Key(sender.GetIpv4().Get(), sender.GetPort()));
    if (flow->Received(bytes) && ++m_complete == m_flows.size()) Simulator::Stop();
  }

  Options m_options;
  LeafSpine m_fabric;
  std::vector<PlannedFlow> m_plans;
  std::vector<std::unique_ptr<InferenceServer>> m_servers;
  std::vector<std::unique_ptr<TaggedFlow>> m_flows;
  std::unordered_map<uint64_t, TaggedFlow*> m_byPort;
  size_t m_complete = 0;
};

void WriteInference(FILE* file, const char* name, const TaggedFlow::Inference& inference) {
  std::fprintf(file, ",\"%s\":{\"features\":[", name);
  for (size_t index = 0; index < inference.features.size(); index++) {
    std::fprintf(file, "%s%lld", index > 0 ? "," : "", static_cast<long long>(inference.features[index]));
  }
  std::fprintf(file, "],\"output\":%lld}", static_cast<long long>(inference.output));
}

void Scheduling::Report(FILE* file, double wallSeconds) const {
  for (size_t index = 0; index < m_flows.size(); index++) {
    const auto& flow = *m_flows[index];
    std::fprintf(file, "{\"flow\":%zu,\"bytes\":%llu,\"true_band\":%u,\"band\":%u,\"questions\":%llu", index,
                 static_cast<unsigned long long>(flow.Plan().bytes), flow.Plan().trueBand, flow.Band(),
                 static_cast<unsigned long long>(flow.Questions()));
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
  WriteTotals(file, medulla_snapshot_digest, m_fabric, m_servers, wallSeconds);
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options = ReadOptions(count, words);
    SetTransportDefaults(options.fabric.mtu, true);
    Scheduling scheduling(options);
    const auto begin = std::chrono::steady_clock::now();
    Simulator::Run();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    scheduling.Report(stdout, wall.count());
    // Taking the simulation apart node by node takes longer than the process's end, and says nothing.
    std::exit(std::fflush(stdout) == 0 ? 0 : 1);
  } catch (const std::exception& error) {
    std::cerr << "scheduling: " << error.what() << std::endl;
    return 2;
  }
}
