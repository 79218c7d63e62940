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
  /// Of the flows that have ended, the millionths that each band and those before it hold: limits are
  /// learned. Empty: they stay as they are.
  package private(set) var shares: [UInt32] = []
  /// `skb->priority` of the first band, a class of tc such as 1:1; nil: it is left as it is.
  package private(set) var firstPriority: UInt32?
  /// DSCP of each band; empty: it is left as it is.
  package private(set) var marks: [UInt8] = []
  /// Whether a flow that has sent more than its band holds moves on.
  package var demotes = true
  /// Which packets may wait for the link; nil: all.
  package private(set) var admission: Admission?

  /// A link's rate, and the bytes that may wait for it in each band.
  package struct Admission: Sendable, Equatable {
    package let bitsPerSecond: Int
    package let room: Int
  }

  package init() {}

  package var bands: Int { limits.count + 1 }

  /// Limits of bands, such as `10KiB,100KiB,1MiB`; or quantiles of the sizes that flows turn out to have,
  /// such as `50%,80%,95%`.
  ///
  /// - Throws: `badConfiguration`.
  package mutating func setBands(_ text: String) throws(DatapathError) {
    guard !text.contains("%") else { return try setQuantiles(text) }
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
    shares = []
  }

  private mutating func setQuantiles(_ text: String) throws(DatapathError) {
    let shares = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      part.hasSuffix("%") ? Double(part.dropLast()).map { ($0 * 10_000).rounded() } : nil
    }
    let parts = shares.compactMap { $0.flatMap { (1..<1e6).contains($0) ? UInt32($0) : nil } }
    guard parts.count == shares.count, parts.count < Int(SCHEDULING_BANDS) else {
      throw Self.bad(
        "\"\(text)\" are no quantiles", "give 1 to \(SCHEDULING_BANDS - 1) shares, such as 50%,80%,95%")
    }
    guard zip(parts, parts.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw Self.bad("the quantiles \(text) do not rise", "give each once, the smallest first")
    }
    self.shares = parts
    // Until enough flows have ended: each ten times the one before.
    var limit: UInt64 = 10_000
    limits = parts.map { _ in
      defer { limit *= 10 }
      return limit
    }
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

  /// The link's rate and each band's room, such as `100mbit,256KiB`; `none`.
  ///
  /// - Throws: `badConfiguration`. In less room than for two of the kernel's largest packets flows would get
  ///   stuck.
  package mutating func setAdmission(_ text: String) throws(DatapathError) {
    guard text != "none" else {
      admission = nil
      return
    }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let rate = try? Quantity.bitsPerSecond(parts[0]), Self.rateRange.contains(rate),
      let room = try? Quantity.bytes(parts[1], in: Self.roomRange)
    else {
      throw Self.bad(
        "\"\(text)\" is no admission",
        "give the link's rate and a band's room from 128KiB, such as 100mbit,256KiB")
    }
    admission = Admission(bitsPerSecond: Int(rate), room: room)
  }

  package var admissionText: String { admission.map { "\($0.bitsPerSecond)bit,\($0.room)" } ?? "none" }

  private static let rateRange = 1e5...1e12
  private static let roomRange = (128 << 10)...(1 << 30)

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
    settings.byte_ps = admission.map { UInt64(8_000_000_000_000 / $0.bitsPerSecond) } ?? 0
    settings.room = UInt64(admission?.room ?? 0)
    settings.learns = shares.isEmpty ? 0 : 1
    let parts = shares + [UInt32](repeating: 0, count: Int(SCHEDULING_BANDS) - shares.count)
    withUnsafeMutableBytes(of: &settings.shares) { memory in parts.withUnsafeBytes(memory.copyMemory) }
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
  private enum CodingKeys: String, CodingKey {
    case moment, limits, shares, priority, marks, demotes, admission
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(moment.description, forKey: .moment)
    try container.encode(limits, forKey: .limits)
    if !shares.isEmpty { try container.encode(shares, forKey: .shares) }
    try container.encodeIfPresent(priority, forKey: .priority)
    try container.encode(marks, forKey: .marks)
    try container.encode(demotes, forKey: .demotes)
    try container.encode(admissionText, forKey: .admission)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let text = try container.decode(String.self, forKey: .moment)
    guard let moment = DecisionMoment(text) else {
      throw DecodingError.dataCorruptedError(forKey: .moment, in: container, debugDescription: text)
    }
    self.moment = moment
    limits = try container.decode([UInt64].self, forKey: .limits)
    shares = try container.decodeIfPresent([UInt32].self, forKey: .shares) ?? []
    marks = try container.decode([UInt8].self, forKey: .marks)
    demotes = try container.decode(Bool.self, forKey: .demotes)
    try setAdmission(try container.decodeIfPresent(String.self, forKey: .admission) ?? "none")
    guard limits.count < Int(SCHEDULING_BANDS), shares.isEmpty || shares.count == limits.count,
      marks.count <= Int(SCHEDULING_BANDS)
    else {
      throw DecodingError.dataCorruptedError(forKey: .limits, in: container, debugDescription: "\(limits)")
    }
    if let priority = try container.decodeIfPresent(String.self, forKey: .priority) {
      try setPriority(priority)
    }
  }
}
