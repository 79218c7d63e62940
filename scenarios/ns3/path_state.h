/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>

#include "ns3/nstime.h"
#include "path_network.h"

/// What a host remembers of one path: of its own flows on it, and of nobody else's.
///
/// The round trip is smoothed as TCP's (1/8 of each sample). Counts of bytes and segments fade with a time
/// constant of 10 ms, so shares are those of the last few milliseconds in which there were segments.
class PathState {
 public:
  void FlowBegins() { m_flows++; }
  void FlowEnds() { m_flows--; }
  void Sent(ns3::Time now, uint32_t bytes, bool again);
  void Delivered(ns3::Time now, uint64_t segments, bool marked);
  void RoundTrip(ns3::Time now, ns3::Time sample);
  path_measures Measures(ns3::Time now) const;

 private:
  /// A sum that fades.
  class Fading {
   public:
    void Add(ns3::Time now, double amount);
    double At(ns3::Time now) const;

   private:
    double m_sum = 0;
    ns3::Time m_time;
  };

  static uint64_t Share(double part, double whole);

  uint64_t m_flows = 0;
  double m_rttUs = 0;
  bool m_heard = false;
  ns3::Time m_heardAt;
  Fading m_bytes;
  Fading m_sent;
  Fading m_again;
  Fading m_delivered;
  Fading m_marked;
};
