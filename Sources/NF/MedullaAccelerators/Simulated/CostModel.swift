import MedullaBase

/// What calls, copies and kernels take on the clock of a simulated device.
package struct CostModel: Hashable, Sendable {
  /// The calling processor, for one asynchronous copy call.
  package var copyCall: Duration
  /// The calling processor, for one call with a list of copies, and for each copy of the list.
  package var batchCall: Duration
  package var batchEntry: Duration
  /// The calling processor, for one launch of a kernel.
  package var launchCall: Duration
  /// From a call to the start of a copy, and of a kernel, on an idle device.
  package var copyLatency: Duration
  package var kernelLatency: Duration
  /// From a piece in the ring until a resident kernel has read of it.
  package var ringLatency: Duration
  /// The calling processor, for a piece that it puts into the ring.
  package var ringEntry: Duration
  /// Bytes a second from the host to the device, by copies and by loads of a kernel alike.
  package var linkBytesPerSecond: Double
  /// The calling processor, for a copy of its own: to begin one, and bytes a second.
  package var hostCopy: Duration
  package var hostCopyBytesPerSecond: Double

  package init(
    copyCall: Duration, batchCall: Duration, batchEntry: Duration, launchCall: Duration,
    copyLatency: Duration, kernelLatency: Duration, ringLatency: Duration, ringEntry: Duration,
    linkBytesPerSecond: Double, hostCopy: Duration, hostCopyBytesPerSecond: Double
  ) {
    self.copyCall = copyCall
    self.batchCall = batchCall
    self.batchEntry = batchEntry
    self.launchCall = launchCall
    self.copyLatency = copyLatency
    self.kernelLatency = kernelLatency
    self.ringLatency = ringLatency
    self.ringEntry = ringEntry
    self.linkBytesPerSecond = linkBytesPerSecond
    self.hostCopy = hostCopy
    self.hostCopyBytesPerSecond = hostCopyBytesPerSecond
  }

  /// The constants of the paper where it has them (NetML, section IV-B: 8 µs for a `cudaMemcpyAsync`, 25 µs
  /// for a launch). The others are ours, of PCI Express 3.0 with 16 lanes and one core: they are round
  /// figures of the right size, no measurement.
  package static let paper = CostModel(
    copyCall: .microseconds(8), batchCall: .microseconds(8), batchEntry: .nanoseconds(400),
    launchCall: .microseconds(25), copyLatency: .nanoseconds(1_500), kernelLatency: .microseconds(3),
    ringLatency: .microseconds(2), ringEntry: .nanoseconds(50), linkBytesPerSecond: 12e9,
    hostCopy: .nanoseconds(50), hostCopyBytesPerSecond: 8e9)

  /// Rounded up to a nanosecond, so that sums repeat.
  package func link(_ bytes: Int) -> Duration { Self.time(bytes, linkBytesPerSecond) }

  package func copyOnHost(_ bytes: Int) -> Duration { hostCopy + Self.time(bytes, hostCopyBytesPerSecond) }

  private static func time(_ bytes: Int, _ rate: Double) -> Duration {
    .nanoseconds(Int64((Double(bytes) / rate * 1e9).rounded(.up)))
  }
}
