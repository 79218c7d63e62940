/* SPDX-License-Identifier: GPL-2.0 */
#include "priority_port.h"

#include <algorithm>

#include "ns3/drop-tail-queue.h"
#include "ns3/ipv4-l3-protocol.h"
#include "ns3/ipv4-queue-disc-item.h"
#include "ns3/uinteger.h"

using namespace ns3;

NS_OBJECT_ENSURE_REGISTERED(PriorityPort);

TypeId PriorityPort::GetTypeId() {
  static TypeId id =
      TypeId("PriorityPort")
          .SetParent<QueueDisc>()
          .AddConstructor<PriorityPort>()
          .AddAttribute("Bands", "Strict-priority bands", UintegerValue(1),
                        MakeUintegerAccessor(&PriorityPort::m_bands),
                        MakeUintegerChecker<uint32_t>(1, kMostBands))
          .AddAttribute("MarkBytes", "Length of a band from which packets are marked", UintegerValue(97500),
                        MakeUintegerAccessor(&PriorityPort::m_markBytes), MakeUintegerChecker<uint32_t>())
          .AddAttribute("BufferBytes", "Bytes that all bands hold together", UintegerValue(1000000),
                        MakeUintegerAccessor(&PriorityPort::m_bufferBytes), MakeUintegerChecker<uint32_t>());
  return id;
}

PriorityPort::PriorityPort() : QueueDisc(QueueDiscSizePolicy::NO_LIMITS) {}

bool PriorityPort::CheckConfig() {
  // The shared buffer is the only limit; these must never refuse a packet.
  for (uint32_t band = 0; band < m_bands; band++) {
    AddInternalQueue(CreateObjectWithAttributes<DropTailQueue<QueueDiscItem>>(
        "MaxSize", QueueSizeValue(QueueSize(QueueSizeUnit::BYTES, UINT32_MAX))));
  }
  return GetNQueueDiscClasses() == 0 && GetNPacketFilters() == 0;
}

bool PriorityPort::DoEnqueue(Ptr<QueueDiscItem> item) {
  if (GetNBytes() + item->GetSize() > m_bufferBytes) {
    DropBeforeEnqueue(item, "buffer full");
    return false;
  }
  uint32_t band = 0;
  if (item->GetProtocol() == Ipv4L3Protocol::PROT_NUMBER) {
    band = std::min<uint32_t>(StaticCast<Ipv4QueueDiscItem>(item)->GetHeader().GetTos() >> 5, m_bands - 1);
  }
  Ptr<InternalQueue> queue = GetInternalQueue(band);
  if (queue->GetNBytes() >= m_markBytes) Mark(item, "threshold");
  return queue->Enqueue(item);
}

Ptr<QueueDiscItem> PriorityPort::DoDequeue() {
  for (uint32_t band = 0; band < m_bands; band++) {
    Ptr<QueueDiscItem> item = GetInternalQueue(band)->Dequeue();
    if (item) return item;
  }
  return nullptr;
}
