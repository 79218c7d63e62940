import MedullaBase

/// The clock of a simulated device: when the calling processor and each stream are done with what they have.
///
/// A value. It follows from the order of the calls alone, not from the threads that carry them out, so the
/// same calls give the same times.
struct SimulatedTimeline: Equatable {
  let cost: CostModel
  /// The calling processor's time.
  private(set) var now: Duration = .zero
  private var streams: [Int: Duration] = [:]
  /// When the way to the device is free.
  private var link: Duration = .zero

  init(_ cost: CostModel) { self.cost = cost }

  mutating func advance(to time: Duration) { now = max(now, time) }

  /// When all that is on the stream is done.
  func end(of stream: Int) -> Duration { max(streams[stream] ?? .zero, .zero) }

  mutating func order(_ stream: Int, after time: Duration) {
    streams[stream] = max(end(of: stream), time)
  }

  mutating func copy(_ bytes: Int, on stream: Int) {
    now += cost.copyCall
    transfer(bytes, on: stream, from: now + cost.copyLatency)
  }

  mutating func copyBatch(_ sizes: [Int], on stream: Int) {
    now += cost.batchCall + cost.batchEntry * sizes.count
    transfer(sizes.reduce(0, +), on: stream, from: now + cost.copyLatency)
  }

  /// - Parameter linkBytes: what the kernel loads from the host.
  mutating func launch(linkBytes: Int, on stream: Int) {
    now += cost.launchCall
    transfer(linkBytes, on: stream, from: now + cost.kernelLatency)
  }

  mutating func copyOnHost(_ bytes: Int) { now += cost.copyOnHost(bytes) }

  /// - Returns: when the pieces have arrived.
  mutating func resident(gave pieces: Int, byteCount: Int) -> Duration {
    now += cost.ringEntry * pieces
    link = max(link, now + cost.ringLatency) + cost.link(byteCount)
    return link
  }

  mutating func compute(_ time: Duration, on stream: Int) {
    streams[stream] = max(end(of: stream), now) + time
  }

  private mutating func transfer(_ bytes: Int, on stream: Int, from start: Duration) {
    let begin = max(start, end(of: stream), bytes > 0 ? link : .zero)
    streams[stream] = begin + cost.link(bytes)
    if bytes > 0 { link = begin + cost.link(bytes) }
  }
}
