/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <functional>

#include "ns3/nstime.h"

/// Where a host's inferences happen, and how long an answer takes. The inference itself is the snapshot's own
/// C; only its time is modelled, because simulated time does not pass while code runs.
class InferenceServer {
 public:
  struct Options {
    /// From question to answer.
    ns3::Time latency;
    /// One question after another (first in, first out), each for `latency`; else all of them at once.
    bool serial = false;
    /// Questions that may wait; another one is refused and counted.
    uint32_t limit = 1024;
  };
  struct Counts {
    uint64_t asked = 0;
    uint64_t refused = 0;
    double waitSum = 0;
    double waitMost = 0;
  };

  explicit InferenceServer(const Options& options) : m_options(options) {}

  /// Runs `answer` when the answer is there; false when the question was refused.
  bool Ask(std::function<void()> answer);
  const Counts& Seen() const { return m_counts; }

 private:
  Options m_options;
  Counts m_counts;
  ns3::Time m_busyUntil;
  uint32_t m_waiting = 0;
};
