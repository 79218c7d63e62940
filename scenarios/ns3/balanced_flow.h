/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flow_list.h"
#include "inference_server.h"
#include "ns3/inet-socket-address.h"
#include "ns3/nstime.h"
#include "ns3/socket.h"
#include "ns3/tcp-header.h"
#include "path_state.h"

/// How senders choose a flow's path.
struct BalancingOptions {
  enum class Source {
    /// As switches would: by a hash of addresses and ports.
    kHash,
    /// The path with the least smoothed round trip; one that was never heard of counts as the best.
    kLeastRoundTrip,
    kPredicted,
  };
  Source source = Source::kHash;
  /// The flow waits for its first answer; else it begins on the hash's path.
  bool holds = false;
  /// After a silence this long the flow asks again; zero: never.
  ns3::Time flowlet;
  /// Paths whose cost is above the least by no more than this are the hash's to choose among; fixed point.
  int64_t margin = 0;
  /// Of a hundred flows, those that take the hash's path whatever is predicted, so that there is something to
  /// learn from.
  uint32_t explored = 0;
  /// An ablation: what is known of the paths is given to the network in an order of chance.
  bool shuffled = false;
};

/// One host's paths, and where it infers.
struct PathHost {
  std::vector<PathState> paths;
  InferenceServer* server = nullptr;
};

/// The sending end of one TCP flow, whose packets name its path.
class BalancedFlow {
 public:
  struct Inference {
    std::vector<int64_t> features;
    std::vector<int64_t> outputs;
  };
  /// What the flow itself saw.
  struct Experience {
    double smoothedUs = 0;
    double sumUs = 0;
    uint64_t samples = 0;
    uint64_t segments = 0;
    uint64_t again = 0;
  };

  BalancedFlow(const PlannedFlow& plan, const BalancingOptions& options, PathHost& host);

  void Open(ns3::Ptr<ns3::Node> node, ns3::Ipv4Address own, const ns3::InetSocketAddress& server);
  /// The path of the next packet, from 0.
  uint32_t Path() const { return m_path; }
  /// The receiving end has `bytes` more; true when that was all.
  bool Received(uint32_t bytes);

  const PlannedFlow& Plan() const { return m_plan; }
  uint16_t Port() const { return m_port; }
  bool Complete() const { return m_received >= m_plan.bytes; }
  ns3::Time CompletionTime() const { return m_completionTime; }
  const Inference& First() const { return m_first; }
  const Inference& Last() const { return m_last; }
  uint64_t Questions() const { return m_questions; }
  uint64_t Moves() const { return m_moves; }
  const Experience& Seen() const { return m_seen; }
  ns3::Time AnsweredAfter() const { return m_answeredAfter; }

 private:
  void Watch();
  void Connect();
  void Fill(ns3::Ptr<ns3::Socket>, uint32_t);
  void Leaves(ns3::Ptr<const ns3::Packet> packet, const ns3::TcpHeader& header);
  void Arrives(const ns3::TcpHeader& header);
  void RoundTrip(ns3::Time sample);
  void Ask();
  void Answer(uint32_t path);
  void Place(uint32_t path);
  uint32_t Choose();
  uint32_t Predict(const std::vector<path_measures>& measures);
  /// Of the paths that may be taken, the hash's.
  uint32_t Pick(const std::vector<uint32_t>& paths) const { return paths[m_hash % paths.size()]; }

  const PlannedFlow& m_plan;
  const BalancingOptions& m_options;
  PathHost& m_host;
  ns3::Ptr<ns3::Socket> m_socket;
  ns3::Address m_server;
  uint16_t m_port = 0;
  uint64_t m_segmentBytes = 1;
  uint64_t m_hash = 0;
  uint32_t m_path = 0;
  bool m_placed = false;
  bool m_connecting = false;
  bool m_closed = false;
  bool m_asking = false;
  uint64_t m_written = 0;
  uint64_t m_received = 0;
  uint64_t m_acknowledged = 0;
  uint64_t m_highest = 0;
  ns3::Time m_leftAt;
  uint64_t m_questions = 0;
  uint64_t m_moves = 0;
  ns3::Time m_answeredAfter = ns3::Seconds(-1);
  ns3::Time m_completionTime = ns3::Seconds(-1);
  Inference m_first;
  Inference m_last;
  Experience m_seen;
};
