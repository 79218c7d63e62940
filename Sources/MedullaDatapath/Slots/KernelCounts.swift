import CMedullaABI

extension medulla_counts {
  /// Each of the counters that mean what the function says.
  package var functionCounters: [UInt64] {
    withUnsafeBytes(of: function) { Array($0.bindMemory(to: UInt64.self)) }
  }

  /// The sum over processors; minimum and maximum are of all of them.
  static func total(_ parts: [medulla_counts]) -> medulla_counts {
    parts.reduce(into: medulla_counts()) { sum, part in
      sum.inferences &+= part.inferences
      sum.decisions &+= part.decisions
      sum.contended &+= part.contended
      sum.measured &+= part.measured
      sum.measured_ns &+= part.measured_ns
      sum.samples &+= part.samples
      sum.samples_dropped &+= part.samples_dropped
      sum.shadow_inferences &+= part.shadow_inferences
      sum.shadow_sum &+= part.shadow_sum
      sum.shadow_max = max(sum.shadow_max, part.shadow_max)
      sum.measured_max_ns = max(sum.measured_max_ns, part.measured_max_ns)
      if part.measured_min_ns > 0 {
        sum.measured_min_ns =
          sum.measured_min_ns == 0 ? part.measured_min_ns : min(sum.measured_min_ns, part.measured_min_ns)
      }
      let counters = zip(sum.functionCounters, part.functionCounters).map { $0 &+ $1 }
      withUnsafeMutableBytes(of: &sum.function) { raw in
        counters.withUnsafeBytes { raw.copyMemory(from: $0) }
      }
    }
  }
}

extension medulla_totals {
  static func total(_ parts: [medulla_totals]) -> medulla_totals {
    parts.reduce(into: medulla_totals()) { sum, part in
      sum.samples &+= part.samples
      sum.samples_dropped &+= part.samples_dropped
      sum.orphaned &+= part.orphaned
      sum.flows &+= part.flows
    }
  }
}

extension medulla_flows {
  /// A flow may come on one processor and go on another: only the sum means something.
  static func total(_ parts: [medulla_flows]) -> medulla_flows {
    parts.reduce(into: medulla_flows()) { sum, part in
      sum.held &+= part.held
      sum.taken &+= part.taken
      sum.moved &+= part.moved
    }
  }
}
