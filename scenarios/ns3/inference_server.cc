/* SPDX-License-Identifier: GPL-2.0 */
#include "inference_server.h"

#include <algorithm>

#include "ns3/simulator.h"

using namespace ns3;

bool InferenceServer::Ask(std::function<void()> answer) {
  m_counts.asked++;
  if (m_waiting >= m_options.limit) {
    m_counts.refused++;
    return false;
  }
  const Time now = Simulator::Now();
  Time ready = now + m_options.latency;
  if (m_options.serial) {
    ready = std::max(now, m_busyUntil) + m_options.latency;
    m_busyUntil = ready;
  }
  const double wait = (ready - now).GetSeconds();
  m_counts.waitSum += wait;
  m_counts.waitMost = std::max(m_counts.waitMost, wait);
  m_waiting++;
  Simulator::Schedule(ready - now, [this, answer] {
    m_waiting--;
    answer();
  });
  return true;
}
