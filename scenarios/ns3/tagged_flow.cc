/* SPDX-License-Identifier: GPL-2.0 */
#include "tagged_flow.h"

#include <algorithm>

#include "flow_logarithm.h"
#include "medulla_snapshot.h"
#include "ns3/inet-socket-address.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"
#include "ns3/tcp-socket-factory.h"

using namespace ns3;

/// What an application hands over at once.
static constexpr uint64_t kWriteBytes = 1 << 16;

TaggedFlow::TaggedFlow(const PlannedFlow& plan, const TaggingOptions& tagging, InferenceServer& server)
    : m_plan(plan), m_tagging(tagging), m_server(server) {}

void TaggedFlow::Open(Ptr<Node> host) {
  m_socket = Socket::CreateSocket(host, TcpSocketFactory::GetTypeId());
  m_socket->Bind();
  Address local;
  m_socket->GetSockName(local);
  m_port = InetSocketAddress::ConvertFrom(local).GetPort();
  switch (m_tagging.source) {
    case TaggingOptions::Source::kNone: m_band = 0; break;
    case TaggingOptions::Source::kTrueSize: m_band = m_plan.trueBand; break;
    case TaggingOptions::Source::kPredicted: m_band = m_tagging.untaggedBand; break;
  }
  m_socket->SetConnectCallback(MakeCallback(&TaggedFlow::Connected, this), Callback<void, Ptr<Socket>>());
  m_socket->SetSendCallback(MakeCallback(&TaggedFlow::Fill, this));
  m_socket->ShutdownRecv();
}

void TaggedFlow::Connected(Ptr<Socket>) {
  const bool predicts = m_tagging.source == TaggingOptions::Source::kPredicted;
  m_mayWrite = !predicts || !m_tagging.holds;
  // The application's first write: what the features are about is known now.
  if (predicts) Ask();
  Fill(m_socket, 0);
}

void TaggedFlow::Fill(Ptr<Socket>, uint32_t) {
  if (!m_mayWrite) return;
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
  m_mayWrite = false;
  m_socket->Close();
}

uint32_t TaggedFlow::Tag(uint32_t payload) {
  if (payload > 0) {
    const bool predicts = m_tagging.source == TaggingOptions::Source::kPredicted;
    const bool first = m_sent == 0;
    m_sent += payload;
    if (predicts && m_tagging.everyPacket && !first) Ask();
  }
  return m_band;
}

void TaggedFlow::Ask() {
  if (m_tagging.oneOutstanding && m_outstanding > 0) return;
  if (m_questions == 0) m_askedAt = Simulator::Now();
  // The answer is about what was known when it was asked for.
  const uint32_t band = Infer();
  if (m_server.Ask([this, band] { Answer(band); })) {
    m_outstanding++;
  } else if (m_tagging.holds && !m_mayWrite && m_written == 0) {
    m_mayWrite = true;
  }
}

void TaggedFlow::Answer(uint32_t band) {
  m_outstanding--;
  if (m_answeredAfter.IsNegative()) m_answeredAfter = Simulator::Now() - m_askedAt;
  m_band = band;
  if (m_tagging.holds && m_written == 0) {
    m_mayWrite = true;
    Fill(m_socket, 0);
  }
}

uint32_t TaggedFlow::Infer() {
  m_questions++;
  // The packet that asks counts; the first one has what the application handed over first.
  m_last.features.assign(1, flow_logarithm(std::max(m_sent, m_plan.firstBytes),
                                           MEDULLA_SNAPSHOT_FEATURE_FRACTION_BITS));
  m_last.features.insert(m_last.features.end(), m_plan.features.begin(), m_plan.features.end());
  int64_t outputs[MEDULLA_SNAPSHOT_OUTPUTS];
  medulla_memory memory;
  medulla_snapshot_run(&memory, m_last.features.data(), outputs, 1);
  m_last.output = outputs[0];
  if (m_questions == 1) m_first = m_last;
  const auto above = std::upper_bound(m_tagging.bounds.begin(), m_tagging.bounds.end(), m_last.output);
  return static_cast<uint32_t>(above - m_tagging.bounds.begin());
}

bool TaggedFlow::Received(uint32_t bytes) {
  const bool before = Complete();
  m_received += bytes;
  if (before || !Complete()) return false;
  m_completionTime = Simulator::Now() - NanoSeconds(m_plan.startNs);
  return true;
}
