import CMedullaABI

/// The sender of one flow: what Linux TCP keeps for pacing, the window, loss and rate samples.
/// Times are in nanoseconds unless their name says otherwise; counts are packets.
struct SimulatedFlow {
  let sender: LinkScenario.Sender
  var controller = mcc_flow()
  var cubic = CubicSender()
  var bbr: BBRSender?
  /// What the sender allows now: packets in flight, and bytes a second; a sender that is not paced has a rate
  /// only for the size of its bursts.
  var window: Int64 = 10
  var rate: UInt64 = 1
  let end: Int64
  var acknowledgements = PacketGroupQueue()
  let start: Int64
  let roundTrip: Double
  let on: Int64
  let off: Int64

  var isStarted = false
  /// When pacing lets the next burst go.
  var paced: Int64 = 0
  /// When the next thing happens to this flow.
  var next: Int64
  /// Until when the source has data, and when it has some again.
  var burstEnd = Int64.max
  var burstStart: Int64 = 0

  var inFlight: Int64 = 0
  var toRetransmit: Int64 = 0
  /// Lost packets of which the sender does not know yet.
  var undetected: Int32 = 0
  var sent: Int64 = 0
  var delivered: Int64 = 0
  var detectedLost: Int64 = 0
  /// Packets lost on the way, whether the sender knows or not.
  var lost: Int64 = 0
  /// Known lost, not yet told to the controller.
  var unreportedLost: Int64 = 0

  var firstSent: Int64 = 0
  var deliveredStamp: Int64 = 0
  var lastSent: Int64 = 0
  var lastArrival: Int64 = 0
  var lastAcknowledged: Int64 = 0
  /// `delivered` past which samples are no longer limited by the application; 0: not limited.
  var limitedUntil: Int64 = 0
  var probes = 0
  var untilLoss = Int.max

  var minRTT: Int64 = 0
  var smoothedRTT: Int64 = 0
  var timeouts = 0

  /// Sums of RTT samples since the network last decided, and over all time.
  var sampledRTT: Double = 0
  var samples: Double = 0
  var totalRTT: Double = 0
  var totalSamples: Double = 0

  var isPaced: Bool { sender != .cubic }

  init(_ flow: LinkScenario.Flow) {
    sender = flow.sender
    start = Int64(flow.start * 1e9)
    end = flow.end < 1e9 ? Int64(flow.end * 1e9) : .max
    roundTrip = flow.roundTrip * 1e9
    on = Int64((flow.onOff?.on ?? 0) * 1e9)
    off = Int64((flow.onOff?.off ?? 0) * 1e9)
    next = start
  }
}
