import MedullaBase

/// What an operator sets for an instance of any function.
package struct InstanceSettings: Sendable, Equatable {
  /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
  package var drainLimit: Duration?
  /// Takes the time of each inference in the kernel; costs two clock reads.
  package var measures: Bool
  /// Every n-th decision of a flow goes up as a sample; 0: none.
  package var sampleEvery: Int
  /// Bytes of the ring that samples wait in.
  package var sampleBytes: Int
  /// Whether a flow keeps its snapshot for its life.
  package var isConsistent: Bool
  /// Flows that are kept at once, of a function at an interface; nil: as many as the function says.
  package var flowLimit: Int?

  package init(
    drainLimit: Duration? = nil, measures: Bool = false, sampleEvery: Int = 0,
    sampleBytes: Int = SampleBuffer.defaultBytes, isConsistent: Bool = true,
    flowLimit: Int? = nil
  ) {
    self.drainLimit = drainLimit
    self.measures = measures
    self.sampleEvery = sampleEvery
    self.sampleBytes = sampleBytes
    self.isConsistent = isConsistent
    self.flowLimit = flowLimit
  }

  /// - Throws: `badConfiguration` with the value that is out of range.
  package func validate() throws(DatapathError) {
    if let drainLimit, drainLimit < .seconds(1) {
      throw DatapathError(.badConfiguration, "a drain limit under a second", remedy: "give 1 s or more")
    }
    _ = try Sampling.every(sampleEvery)
    _ = try SampleBuffer.entries(bytes: sampleBytes)
    if let flowLimit { try FlowTableSize.validate(flowLimit) }
  }

  /// 0: no limit.
  package var drainLimitNanoseconds: UInt64 { UInt64(max(drainLimit?.nanoseconds ?? 0, 0)) }
}
