/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "flow_list.h"
#include "inference_server.h"
#include "leaf_spine.h"
#include "ns3/nstime.h"
#include "ns3/socket.h"

/// How senders come by the priority of their packets.
struct TaggingOptions {
  enum class Source { kNone, kTrueSize, kPredicted };
  Source source = Source::kNone;
  /// Bounds between bands, as the network's output in fixed point, ascending.
  std::vector<int64_t> bounds;
  /// The band of packets that leave before the first answer.
  uint32_t untaggedBand = 0;
  /// The first data wait for the first answer.
  bool holds = false;
  /// Ask again with each packet, not only at the flow's start.
  bool everyPacket = false;
  /// A flow with a question under way asks no other.
  bool oneOutstanding = false;
};

/// The sending end of one TCP flow, whose packets carry its priority.
class TaggedFlow {
 public:
  /// One question to the snapshot, for the record: the features and what it answered.
  struct Inference {
    std::vector<int64_t> features;
    int64_t output = 0;
  };

  TaggedFlow(const PlannedFlow& plan, const TaggingOptions& tagging, InferenceServer& server);

  void Open(ns3::Ptr<ns3::Node> host);
  void Connect(const ns3::Address& destination) { m_socket->Connect(destination); }
  /// A packet with so much payload is about to leave: its band.
  uint32_t Tag(uint32_t payload);
  /// The receiving end has `bytes` more; true when that was all.
  bool Received(uint32_t bytes);

  const PlannedFlow& Plan() const { return m_plan; }
  uint16_t Port() const { return m_port; }
  bool Complete() const { return m_received >= m_plan.bytes; }
  ns3::Time CompletionTime() const { return m_completionTime; }
  const Inference& First() const { return m_first; }
  const Inference& Last() const { return m_last; }
  uint64_t Questions() const { return m_questions; }
  uint32_t Band() const { return m_band; }
  /// From the first question to its answer; negative without one.
  ns3::Time AnsweredAfter() const { return m_answeredAfter; }

 private:
  void Connected(ns3::Ptr<ns3::Socket>);
  void Fill(ns3::Ptr<ns3::Socket>, uint32_t);
  void Ask();
  void Answer(uint32_t band);
  uint32_t Infer();

  const PlannedFlow& m_plan;
  const TaggingOptions& m_tagging;
  InferenceServer& m_server;
  ns3::Ptr<ns3::Socket> m_socket;
  uint16_t m_port = 0;
  uint64_t m_written = 0;
  uint64_t m_sent = 0;
  uint64_t m_received = 0;
  uint32_t m_band = 0;
  uint32_t m_outstanding = 0;
  uint64_t m_questions = 0;
  bool m_mayWrite = false;
  ns3::Time m_askedAt;
  ns3::Time m_answeredAfter = ns3::Seconds(-1);
  ns3::Time m_completionTime = ns3::Seconds(-1);
  Inference m_first;
  Inference m_last;
};
