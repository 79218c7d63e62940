/* SPDX-License-Identifier: GPL-2.0 */
#include "balanced_flow.h"

#include <algorithm>

#include "leaf_spine.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"
#include "ns3/tcp-socket-base.h"
#include "ns3/tcp-socket-factory.h"
#include "ns3/uinteger.h"

using namespace ns3;

/// What an application hands over at once.
static constexpr uint64_t kWriteBytes = 1 << 16;
static constexpr double kSmoothing = 1.0 / 8;

BalancedFlow::BalancedFlow(const PlannedFlow& plan, const BalancingOptions& options, PathHost& host)
    : m_plan(plan), m_options(options), m_host(host) {}

void BalancedFlow::Open(Ptr<Node> node, Ipv4Address own, const InetSocketAddress& server) {
  m_server = server;
  m_socket = Socket::CreateSocket(node, TcpSocketFactory::GetTypeId());
  m_socket->Bind();
  Address local;
  m_socket->GetSockName(local);
  m_port = InetSocketAddress::ConvertFrom(local).GetPort();
  UintegerValue segment;
  m_socket->GetAttribute("SegmentSize", segment);
  m_segmentBytes = segment.Get();
  m_hash = LeafSpineRouting::FlowHash(own, server.GetIpv4(), m_port, server.GetPort());
  m_socket->SetSendCallback(MakeCallback(&BalancedFlow::Fill, this));
  m_socket->SetConnectCallback(
      Callback<void, Ptr<Socket>>([this](Ptr<Socket> ready) { Fill(ready, 0); }),
      Callback<void, Ptr<Socket>>([](Ptr<Socket>) {}));
  m_socket->ShutdownRecv();
  Watch();
  if (!m_options.holds) {
    Place(static_cast<uint32_t>(m_hash % m_host.paths.size()));
    Connect();
  }
  Ask();
}

void BalancedFlow::Watch() {
  Ptr<TcpSocketBase> socket = DynamicCast<TcpSocketBase>(m_socket);
  using Passing = Callback<void, Ptr<const Packet>, const TcpHeader&, Ptr<const TcpSocketBase>>;
  socket->TraceConnectWithoutContext(
      "Tx", Passing([this](Ptr<const Packet> packet, const TcpHeader& header, Ptr<const TcpSocketBase>) {
        Leaves(packet, header);
      }));
  socket->TraceConnectWithoutContext(
      "Rx", Passing([this](Ptr<const Packet>, const TcpHeader& header, Ptr<const TcpSocketBase>) {
        Arrives(header);
      }));
  socket->TraceConnectWithoutContext(
      "RTT", Callback<void, Time, Time>([this](Time, Time sample) { RoundTrip(sample); }));
}

void BalancedFlow::Connect() {
  m_connecting = true;
  m_socket->Connect(m_server);
}

void BalancedFlow::Fill(Ptr<Socket>, uint32_t) {
  if (m_closed) return;
  while (m_written < m_plan.bytes) {
    const uint64_t space = m_socket->GetTxAvailable();
    const uint64_t count = std::min({space, m_plan.bytes - m_written, kWriteBytes});
    if (count == 0) return;
    // Counted first: sending may come back here.
    m_written += count;
    if (m_socket->Send(Create<Packet>(static_cast<uint32_t>(count))) < 0) {
      m_written -= count;
      return;
    }
  }
  m_closed = true;
  m_socket->Close();
}

void BalancedFlow::Leaves(Ptr<const Packet> packet, const TcpHeader& header) {
  if (packet->GetSize() == 0) return;
  const Time now = Simulator::Now();
  const bool pauses = m_highest > 0 && now - m_leftAt >= m_options.flowlet;
  if (m_options.flowlet.IsStrictlyPositive() && pauses) Ask();
  m_leftAt = now;
  const uint64_t begin = header.GetSequenceNumber().GetValue();
  const bool again = begin < m_highest;
  m_highest = std::max<uint64_t>(m_highest, begin + packet->GetSize());
  m_seen.segments++;
  m_seen.again += again;
  m_host.paths[m_path].Sent(now, packet->GetSize(), again);
}

void BalancedFlow::Arrives(const TcpHeader& header) {
  // ECN is agreed on by the same flag.
  if (!(header.GetFlags() & TcpHeader::ACK) || (header.GetFlags() & TcpHeader::SYN)) return;
  // ns-3's first sequence number is 0, and the SYN's.
  const uint64_t end = header.GetAckNumber().GetValue();
  if (end <= m_acknowledged + 1) return;
  const uint64_t bytes = std::min(end - 1, m_plan.bytes) - m_acknowledged;
  if (bytes == 0) return;
  m_acknowledged += bytes;
  const uint64_t segments = (bytes + m_segmentBytes - 1) / m_segmentBytes;
  PathState& path = m_host.paths[m_path];
  path.Delivered(Simulator::Now(), segments, header.GetFlags() & TcpHeader::ECE);
  if (m_acknowledged == m_plan.bytes) path.FlowEnds();
}

void BalancedFlow::RoundTrip(Time sample) {
  const double us = sample.GetSeconds() * 1e6;
  m_seen.smoothedUs = m_seen.samples == 0 ? us : m_seen.smoothedUs + kSmoothing * (us - m_seen.smoothedUs);
  m_seen.sumUs += m_seen.smoothedUs;
  m_seen.samples++;
  m_host.paths[m_path].RoundTrip(Simulator::Now(), sample);
}

void BalancedFlow::Ask() {
  if (m_asking) return;
  const Time asked = Simulator::Now();
  // The answer is about what was known when it was asked for.
  const uint32_t path = Choose();
  m_asking = m_host.server->Ask([this, path, asked] {
    m_asking = false;
    if (m_answeredAfter.IsNegative()) m_answeredAfter = Simulator::Now() - asked;
    Answer(path);
  });
  if (!m_asking && !m_connecting) Answer(static_cast<uint32_t>(m_hash % m_host.paths.size()));
}

void BalancedFlow::Answer(uint32_t path) {
  if (m_acknowledged == m_plan.bytes) return;
  Place(path);
  if (!m_connecting) Connect();
}

void BalancedFlow::Place(uint32_t path) {
  if (m_placed && path == m_path) return;
  if (m_placed) {
    m_host.paths[m_path].FlowEnds();
    m_moves++;
  }
  m_placed = true;
  m_path = path;
  m_host.paths[m_path].FlowBegins();
}

uint32_t BalancedFlow::Choose() {
  const Time now = Simulator::Now();
  std::vector<path_measures> measures;
  for (const auto& path : m_host.paths) measures.push_back(path.Measures(now));
  // The hash's flows ask too: what they are told and then see is what a network learns from.
  const uint32_t predicted = Predict(measures);
  const uint32_t hashed = static_cast<uint32_t>(m_hash % measures.size());
  if ((m_hash >> 40) % 100 < m_options.explored) return hashed;
  switch (m_options.source) {
    case BalancingOptions::Source::kHash: return hashed;
    case BalancingOptions::Source::kPredicted: return predicted;
    case BalancingOptions::Source::kLeastRoundTrip: break;
  }
  uint64_t least = UINT64_MAX;
  for (const auto& path : measures) least = std::min(least, path.rtt_us);
  std::vector<uint32_t> best;
  for (uint32_t path = 0; path < measures.size(); path++) {
    if (measures[path].rtt_us == least) best.push_back(path);
  }
  return Pick(best);
}

uint32_t BalancedFlow::Predict(const std::vector<path_measures>& measures) {
  const size_t count = measures.size();
  std::vector<path_measures> shown(measures);
  // As many turns as the flow's number says: no random numbers, so that every scheme draws the same.
  if (m_options.shuffled) {
    std::rotate(shown.begin(), shown.begin() + (m_hash >> 32) % count, shown.end());
  }
  m_questions++;
  m_last.features.resize(count * PATH_NETWORK_FEATURES);
  m_last.outputs.resize(count);
  path_network_inputs(shown.data(), m_last.features.data());
  path_network_run(m_last.features.data(), m_last.outputs.data());
  if (m_questions == 1) m_first = m_last;
  const int64_t least = *std::min_element(m_last.outputs.begin(), m_last.outputs.end());
  std::vector<uint32_t> near;
  for (uint32_t path = 0; path < count; path++) {
    if (m_last.outputs[path] - least <= m_options.margin) near.push_back(path);
  }
  return Pick(near);
}

bool BalancedFlow::Received(uint32_t bytes) {
  const bool before = Complete();
  m_received += bytes;
  if (before || !Complete()) return false;
  m_completionTime = Simulator::Now() - NanoSeconds(m_plan.startNs);
  return true;
}
