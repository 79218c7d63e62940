import MedullaBase

/// What a check of a device found.
package struct DeviceCheckReport: Codable, Sendable, Equatable {
  package struct Transfer: Codable, Sendable, Equatable {
    package var policy: TransferPolicy
    package var bytes: Int
    package var packets: Int
    /// From the first call until all bytes are there.
    package var medianMicroseconds = 0.0
    package var leastMicroseconds = 0.0
    /// Of that, until the calls have returned: the processor's part.
    package var callMicroseconds = 0.0
    package var wrongBytes = 0
    /// Why there is no figure; empty where there is one.
    package var missing = ""
    package var isFailure = false
  }

  package struct Kernel: Codable, Sendable, Equatable {
    package var name: String
    package var values: Int
    package var wrongValues: Int
    package var error = ""
  }

  package var device: String
  package var driver: String
  package var capability: String
  package var memoryBytes: Int
  package var processors: Int
  /// Whether the clock is a simulated device's.
  package var isSimulated: Bool
  package var registeredBytes = 0
  /// Whether memory that the host may only read could be registered.
  package var readsReadOnly = false
  package var transfers: [Transfer] = []
  package var kernels: [Kernel] = []

  /// A sentence for each thing that is wrong; empty: the device does what it must.
  package var failures: [String] {
    transfers.compactMap { row in
      let what = "\(row.policy.rawValue), \(row.bytes) bytes"
      if row.isFailure { return "\(what): \(row.missing)" }
      return row.wrongBytes > 0 ? "\(what): \(row.wrongBytes) bytes are wrong" : nil
    }
      + kernels.compactMap { kernel in
        if !kernel.error.isEmpty { return "\(kernel.name): \(kernel.error)" }
        return kernel.wrongValues > 0 ? "\(kernel.name): \(kernel.wrongValues) values are wrong" : nil
      }
  }
}

extension DeviceCheckReport {
  /// For people.
  package var text: String {
    let rows = transfers.map { row in
      row.missing.isEmpty
        ? [
          row.policy.rawValue, String(row.bytes), String(row.packets), Self.number(row.medianMicroseconds),
          Self.number(row.leastMicroseconds), Self.number(row.callMicroseconds),
          Self.rate(row.bytes, row.medianMicroseconds), String(row.wrongBytes),
        ] : [row.policy.rawValue, String(row.bytes), String(row.packets), row.missing]
    }
    let table = TextTable(
      columns: ["policy", "bytes", "packets", "median us", "least us", "calls us", "GB/s", "wrong"],
      rows: rows)
    let kernels = TextTable(
      columns: ["kernel", "values", "wrong", ""],
      rows: kernels.map { [$0.name, String($0.values), String($0.wrongValues), $0.error] })
    let head = """
      device      \(device)\(capability.isEmpty ? "" : ", capability \(capability)"), \(processors) processors
      driver      \(driver)\(isSimulated ? "; times are those of its cost model" : "")
      memory      \(memoryBytes >> 20) MiB
      registered  \(registeredBytes) bytes of packet memory, \(readsReadOnly ? "read-only" : "writable")
      """
    let failures = failures
    let verdict =
      failures.isEmpty ? "all bytes and values are right" : "wrong:\n  " + failures.joined(separator: "\n  ")
    return [head, table.text, kernels.text, verdict].joined(separator: "\n\n")
  }

  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func rate(_ bytes: Int, _ microseconds: Double) -> String {
    microseconds > 0 ? number(Double(bytes) / microseconds / 1_000) : ""
  }
}
