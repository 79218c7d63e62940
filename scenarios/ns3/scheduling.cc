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
#include "ns3/config.h"
#include "ns3/inet-socket-address.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"
#include "ns3/socket.h"
#include "ns3/string.h"
#include "ns3/tcp-dctcp.h"
#include "ns3/tcp-socket-factory.h"
#include "ns3/uinteger.h"
#include "priority_port.h"
#include "tagged_flow.h"

using namespace ns3;

namespace {

constexpr uint16_t kServerPort = 5000;

struct Options {
  LeafSpine::Options fabric;
  TaggingOptions tagging;
  InferenceServer::Options server;
  std::string flows;
  /// Simulated time after the last arrival in which flows may still finish.
  uint32_t patienceMs = 2000;
};

void SetTransportDefaults(uint32_t mtu) {
  Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TcpDctcp::GetTypeId()));
  Config::SetDefault("ns3::TcpSocketBase::UseEcn", StringValue("On"));
  // 20 bytes of IP, 20 of TCP, 12 of timestamps.
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(mtu - 52));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
  // With delayed acknowledgements ns-3's DCTCP left flows unfinished.
  Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(1));
  Config::SetDefault("ns3::TcpSocket::ConnTimeout", TimeValue(MilliSeconds(10)));
  Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(5)));
  Config::SetDefault("ns3::TcpSocketBase::ClockGranularity", TimeValue(MicroSeconds(100)));
}

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
  uint32_t latencyNs = 0;
  CommandLine line;
  line.AddValue("flows", "list of flows", options.flows);
  line.AddValue("hosts", "hosts", options.fabric.hosts);
  line.AddValue("leaves", "leaves", options.fabric.leaves);
  line.AddValue("spines", "spines", options.fabric.spines);
  line.AddValue("host-rate", "rate of a host's link", options.fabric.hostRate);
  line.AddValue("fabric-rate", "rate between leaf and spine", options.fabric.fabricRate);
  line.AddValue("delay", "propagation of a link", options.fabric.delay);
  line.AddValue("mtu", "bytes of a packet", options.fabric.mtu);
  line.AddValue("bands", "priorities", options.fabric.bands);
  line.AddValue("mark-bytes", "length of a band from which it marks", options.fabric.markBytes);
  line.AddValue("buffer-bytes", "buffer of a switch's port", options.fabric.bufferBytes);
  line.AddValue("host-buffer-bytes", "buffer of a host's port", options.fabric.hostBufferBytes);
  line.AddValue("source", "priorities: none, true-size or predicted", source);
  line.AddValue("bounds", "outputs between bands, ascending", bounds);
  line.AddValue("untagged-band", "band before the first answer", options.tagging.untaggedBand);
  line.AddValue("hold", "first data wait for the answer", options.tagging.holds);
  line.AddValue("every-packet", "ask with every packet", options.tagging.everyPacket);
  line.AddValue("one-outstanding", "one question of a flow at a time", options.tagging.oneOutstanding);
  line.AddValue("latency-ns", "time of an answer", latencyNs);
  line.AddValue("serial", "one answer of a host at a time", options.server.serial);
  line.AddValue("queue", "questions that may wait", options.server.limit);
  line.AddValue("patience-ms", "simulated time after the last arrival", options.patienceMs);
  line.Parse(count, words);
  options.server.latency = NanoSeconds(latencyNs);
  options.tagging.bounds = Numbers(bounds);
  const auto& fabric = options.fabric;
  if (source == "true-size") {
    options.tagging.source = TaggingOptions::Source::kTrueSize;
  } else if (source == "predicted") {
    options.tagging.source = TaggingOptions::Source::kPredicted;
  } else if (source != "none") {
    throw std::runtime_error("--source is none, true-size or predicted");
  }
  if (fabric.leaves == 0 || fabric.leaves > 16 || fabric.hosts < 2 || fabric.hosts > 256 ||
      fabric.hosts % fabric.leaves != 0 || fabric.spines == 0 || fabric.spines > 7) {
    throw std::runtime_error("a fabric has 2 to 256 hosts, equally on 1 to 16 leaves, and 1 to 7 spines");
  }
  if (fabric.bands == 0 || fabric.bands > PriorityPort::kMostBands || fabric.mtu < 576 ||
      fabric.mtu > 9000 || options.tagging.untaggedBand >= fabric.bands) {
    throw std::runtime_error("there are 1 to 8 bands and packets of 576 to 9000 bytes");
  }
  const bool predicts = options.tagging.source == TaggingOptions::Source::kPredicted;
  if (predicts && (options.tagging.bounds.size() + 1 != fabric.bands ||
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
      Listen(host);
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

  void Listen(uint32_t host) {
    Ptr<Socket> socket = Socket::CreateSocket(m_fabric.Host(host), TcpSocketFactory::GetTypeId());
    socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), kServerPort));
    socket->Listen();
    socket->SetAcceptCallback(MakeNullCallback<bool, Ptr<Socket>, const Address&>(),
                              Callback<void, Ptr<Socket>, const Address&>(
                                  [this](Ptr<Socket> peer, const Address& from) { Accept(peer, from); }));
  }

  void Accept(Ptr<Socket> socket, const Address& from) {
    const auto sender = InetSocketAddress::ConvertFrom(from);
    TaggedFlow* flow = m_byPort.at(Key(sender.GetIpv4().Get(), sender.GetPort()));
    socket->SetRecvCallback(Callback<void, Ptr<Socket>>([this, flow](Ptr<Socket> ready) {
      while (Ptr<Packet> packet = ready->Recv()) {
        if (packet->GetSize() == 0) break;
        if (flow->Received(packet->GetSize()) && ++m_complete == m_flows.size()) Simulator::Stop();
      }
    }));
    socket->SetCloseCallbacks(Callback<void, Ptr<Socket>>([](Ptr<Socket> peer) { peer->Close(); }),
                              MakeNullCallback<void, Ptr<Socket>>());
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
  InferenceServer::Counts sum;
  for (const auto& server : m_servers) {
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
               medulla_snapshot_digest, (unsigned long long)Simulator::GetEventCount(),
               (long long)Simulator::Now().GetNanoSeconds(), wallSeconds,
               (unsigned long long)m_fabric.Dropped(), (unsigned long long)m_fabric.Marked(),
               (unsigned long long)sum.asked, (unsigned long long)sum.refused,
               answered > 0 ? sum.waitSum / answered * 1e9 : 0, sum.waitMost * 1e9);
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options = ReadOptions(count, words);
    SetTransportDefaults(options.fabric.mtu);
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
