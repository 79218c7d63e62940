import CMedullaABI
import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows

/// How sizes become bands, and what a band's packets get.
package struct SchedulingSettings: Sendable, Equatable {
  /// When a flow's size is asked for.
  package var moment = DecisionMoment.packet(1)
  /// The most bytes of each band but the last, rising.
  package private(set) var limits: [UInt64] = [10_000, 100_000, 1_000_000]
  /// `skb->priority` of the first band, a class of tc such as 1:1; nil: it is left as it is.
  package private(set) var firstPriority: UInt32?
  /// DSCP of each band; empty: it is left as it is.
  package private(set) var marks: [UInt8] = []
  /// Whether a flow that has sent more than its band holds moves on.
  package var demotes = true

  package init() {}

  package var bands: Int { limits.count + 1 }

  /// Limits of bands, such as `10KiB,100KiB,1MiB`.
  ///
  /// - Throws: `badConfiguration`.
  package mutating func setBands(_ text: String) throws(DatapathError) {
    let limits = text.split(separator: ",", omittingEmptySubsequences: false).map {
      try? Quantity.bytes(String($0), in: Self.limitRange)
    }
    guard limits.count < Int(SCHEDULING_BANDS), limits.allSatisfy({ $0 != nil }) else {
      throw Self.bad(
        "\"\(text)\" are no limits of bands", "give 1 to \(SCHEDULING_BANDS - 1) sizes, such as 10KiB,1MiB")
    }
    let sizes = limits.compactMap { $0.map(UInt64.init) }
    guard zip(sizes, sizes.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw Self.bad("the limits \(text) do not rise", "give each once, the smallest first")
    }
    self.limits = sizes
  }

  private static let limitRange = 1...(1 << 40)

  /// A class of tc, `MAJOR:MINOR` in hexadecimal as tc(8) writes it.
  ///
  /// - Throws: `badConfiguration`.
  package mutating func setPriority(_ text: String) throws(DatapathError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt16($0, radix: 16) }
    guard parts.count == 2, let major = parts[0], let minor = parts[1], major > 0, minor > 0,
      Int(minor) + Int(SCHEDULING_BANDS) <= Int(UInt16.max)
    else { throw Self.bad("\"\(text)\" is no class of tc", "give the first band's, such as 1:1") }
    firstPriority = UInt32(major) << 16 | UInt32(minor)
  }

  package var priority: String? {
    firstPriority.map { String($0 >> 16, radix: 16) + ":" + String($0 & 0xffff, radix: 16) }
  }

  /// A DSCP for each band, such as `46,26,10,0`.
  ///
  /// - Throws: `badConfiguration`.
  package mutating func setMarks(_ text: String) throws(DatapathError) {
    let marks = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt8($0) }
    guard marks.allSatisfy({ $0.map { $0 < 64 } ?? false }) else {
      throw Self.bad("\"\(text)\" are no code points", "give 0 to 63 for each band, such as 46,26,10,0")
    }
    self.marks = marks.compactMap(\.self)
  }

  /// - Throws: `badConfiguration` when what was given does not go together.
  func check() throws(DatapathError) {
    guard marks.isEmpty || marks.count == bands else {
      throw Self.bad("\(marks.count) code points for \(bands) bands", "give one for each band")
    }
  }

  /// As the kernel's programs read them.
  func words(outputFractionBits: Int) -> scheduling_settings {
    var settings = scheduling_settings()
    settings.moment = moment.word
    settings.bands = UInt32(bands)
    settings.first_priority = firstPriority ?? 0
    settings.demotes = demotes ? 1 : 0
    let rest = Int(SCHEDULING_BANDS) - limits.count
    let sizes = limits + [UInt64](repeating: UInt64(Int64.max), count: rest)
    let logarithms = Self.logarithms(of: sizes, fractionBits: outputFractionBits)
    let codes =
      marks + [UInt8](repeating: UInt8(SCHEDULING_NO_MARK), count: Int(SCHEDULING_BANDS) - marks.count)
    withUnsafeMutableBytes(of: &settings.limits) { memory in sizes.withUnsafeBytes(memory.copyMemory) }
    withUnsafeMutableBytes(of: &settings.limits_log2) { memory in
      logarithms.withUnsafeBytes(memory.copyMemory)
    }
    withUnsafeMutableBytes(of: &settings.marks) { memory in codes.withUnsafeBytes(memory.copyMemory) }
    return settings
  }

  /// Limits as the network's output has sizes.
  package static func logarithms(of sizes: [UInt64], fractionBits: Int) -> [Int64] {
    sizes.map { flow_input_log2($0, UInt32(fractionBits)) }
  }

  private static func bad(_ message: String, _ remedy: String) -> DatapathError {
    DatapathError(.badConfiguration, message, remedy: remedy)
  }
}

extension SchedulingSettings: Codable {
  private enum CodingKeys: String, CodingKey { case moment, limits, priority, marks, demotes }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(moment.description, forKey: .moment)
    try container.encode(limits, forKey: .limits)
    try container.encodeIfPresent(priority, forKey: .priority)
    try container.encode(marks, forKey: .marks)
    try container.encode(demotes, forKey: .demotes)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let text = try container.decode(String.self, forKey: .moment)
    guard let moment = DecisionMoment(text) else {
      throw DecodingError.dataCorruptedError(forKey: .moment, in: container, debugDescription: text)
    }
    self.moment = moment
    limits = try container.decode([UInt64].self, forKey: .limits)
    marks = try container.decode([UInt8].self, forKey: .marks)
    demotes = try container.decode(Bool.self, forKey: .demotes)
    guard limits.count < Int(SCHEDULING_BANDS), marks.count <= Int(SCHEDULING_BANDS) else {
      throw DecodingError.dataCorruptedError(forKey: .limits, in: container, debugDescription: "\(limits)")
    }
    if let priority = try container.decodeIfPresent(String.self, forKey: .priority) {
      try setPriority(priority)
    }
  }
}
