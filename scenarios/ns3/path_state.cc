/* SPDX-License-Identifier: GPL-2.0 */
#include "path_state.h"

#include <algorithm>
#include <cmath>

using namespace ns3;

static constexpr double kFadingSeconds = 0.01;
static constexpr double kSmoothing = 1.0 / 8;
/// What is older is as if nothing had been heard.
static constexpr uint64_t kOldestUs = 1000000;

double PathState::Fading::At(Time now) const {
  return m_sum * std::exp(-(now - m_time).GetSeconds() / kFadingSeconds);
}

void PathState::Fading::Add(Time now, double amount) {
  m_sum = At(now) + amount;
  m_time = now;
}

/// In parts per million; below a thousandth of a segment there is nothing to tell a share of.
uint64_t PathState::Share(double part, double whole) {
  return whole < 1e-3 ? 0 : static_cast<uint64_t>(std::llround(std::min(part / whole, 1.0) * 1e6));
}

void PathState::Sent(Time now, uint32_t bytes, bool again) {
  m_bytes.Add(now, bytes);
  m_sent.Add(now, 1);
  if (again) m_again.Add(now, 1);
}

void PathState::Delivered(Time now, uint64_t segments, bool marked) {
  m_delivered.Add(now, static_cast<double>(segments));
  if (marked) m_marked.Add(now, static_cast<double>(segments));
  m_heard = true;
  m_heardAt = now;
}

void PathState::RoundTrip(Time now, Time sample) {
  const double us = sample.GetSeconds() * 1e6;
  m_rttUs = m_rttUs == 0 ? us : m_rttUs + kSmoothing * (us - m_rttUs);
  m_heard = true;
  m_heardAt = now;
}

path_measures PathState::Measures(Time now) const {
  path_measures measures;
  measures.rtt_us = static_cast<uint64_t>(std::llround(m_rttUs));
  measures.marks_ppm = Share(m_marked.At(now), m_delivered.At(now));
  measures.losses_ppm = Share(m_again.At(now), m_sent.At(now));
  const uint64_t age = m_heard ? static_cast<uint64_t>((now - m_heardAt).GetMicroSeconds()) : kOldestUs;
  measures.age_us = std::min(age, kOldestUs);
  measures.flows = m_flows;
  measures.bytes = static_cast<uint64_t>(std::llround(m_bytes.At(now)));
  return measures;
}
