import CHost
import CMedullaABI
import Foundation
import MedullaBase
import MedullaDatapath

/// The paths of an instance, and how flows are put on them.
package struct PathSettings: Sendable, Equatable {
  package private(set) var paths: [NetworkPath]
  /// Costs that are at most so much above the least one are as good: a flow takes any of them.
  /// In powers of two of a round trip.
  package private(set) var margin = 0.25
  /// One of so many flows takes any living path, so that what is known of each stays new; 0: none does.
  package private(set) var explores = 16
  /// A flow that has paused for longer may take another path; nil: it stays.
  package private(set) var gap: Duration?

  /// - Throws: `badConfiguration` for fewer than two or more than eight paths.
  package init(_ paths: [NetworkPath]) throws(DatapathError) {
    guard (2...Int(PATHS_LIMIT)).contains(paths.count) else {
      throw Self.bad("\(paths.count) paths are none to choose from", "give 2 to \(PATHS_LIMIT)")
    }
    self.paths = paths
  }

  /// Paths in one text, such as `route; dev=eth1`.
  package init(_ text: String) throws(DatapathError) {
    var paths: [NetworkPath] = []
    for part in text.split(separator: ";").map({ $0.trimmingCharacters(in: .whitespaces) })
    where !part.isEmpty {
      paths.append(try NetworkPath(part))
    }
    try self.init(paths)
  }

  /// - Throws: `badConfiguration`.
  package mutating func setMargin(_ margin: Double) throws(DatapathError) {
    guard (0...32).contains(margin) else {
      throw Self.bad("\(margin) is no margin of costs", "give 0 to 32, such as 0.25")
    }
    self.margin = margin
  }

  /// - Throws: `badConfiguration`.
  package mutating func setExploration(_ flows: Double) throws(DatapathError) {
    guard (0...1e6).contains(flows), flows == flows.rounded() else {
      throw Self.bad("\(flows) is no number of flows", "give 0, or one flow of how many explores")
    }
    explores = Int(flows)
  }

  /// A pause such as `500us`; `never`.
  ///
  /// - Throws: `badConfiguration`.
  package mutating func setGap(_ text: String) throws(DatapathError) {
    guard text != "never" else {
      gap = nil
      return
    }
    guard let gap = try? Quantity.duration(text), gap > .zero else {
      throw Self.bad("\"\(text)\" is no pause", "give a time such as 500us, or never")
    }
    self.gap = gap
  }

  package var gapText: String { gap.map { "\(Self.microseconds($0))us" } ?? "never" }

  private static func microseconds(_ time: Duration) -> Int64 {
    let (seconds, attoseconds) = time.components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }

  /// As the kernel's programs read them, in the namespace of the caller.
  ///
  /// - Parameter tag: of packets that come by again, of no other instance.
  /// - Throws: `badFunction` for a device that there is not.
  func words(tag: UInt16, outputFractionBits: Int) throws(DatapathError) -> paths_settings {
    var settings = paths_settings()
    settings.count = UInt32(paths.count)
    settings.tag = UInt32(tag & ~UInt16(Self.tagMask))
    settings.margin = Int64((margin * Double(1 << outputFractionBits)).rounded())
    settings.gap_ns = gap.map { UInt64(Self.microseconds($0)) * 1_000 } ?? 0
    settings.explores = UInt32(explores)
    var ways: [path_way] = []
    for path in paths { ways.append(try Self.way(of: path)) }
    withUnsafeMutableBytes(of: &settings.ways) { memory in ways.withUnsafeBytes(memory.copyMemory) }
    return settings
  }

  private static let tagMask = 0xf

  private static func way(of path: NetworkPath) throws(DatapathError) -> path_way {
    var way = path_way()
    guard let device = path.device else { return way }
    var found = medulla_interface()
    guard medulla_find_interface(device, &found) == 0 else {
      throw DatapathError(
        .badFunction, "there is no interface \(device) in this network namespace, for the path \(path)",
        remedy: "`ip link` lists them; run the command inside the namespace that has it")
    }
    (way.interface, way.mtu) = (found.index, found.mtu)
    let hasNeighbours = found.is_ethernet != 0
    guard hasNeighbours || (path.header == nil && path.nextHop == nil) else {
      throw DatapathError(
        .badFunction, "\(device) has no neighbours: the path \(path) cannot go out of it",
        remedy: "give dev=\(device) alone, or a device of Ethernet's")
    }
    way.kind = (hasNeighbours ? PATH_NEIGHBOUR : PATH_DEVICE).rawValue
    var segments: [InternetAddress] = []
    switch path.header {
    case .ipip(let to): (way.kind, segments) = (PATH_IPIP.rawValue, [to])
    case .segments(let list): (way.kind, segments) = (PATH_SRV6.rawValue, list)
    case nil: break
    }
    way.hop_version = path.nextHop.map { $0.isSix ? 6 : 4 } ?? 0
    way.segment_count = UInt8(segments.count)
    copy(path.nextHop?.bytes ?? [], to: &way.hop)
    copy(path.source?.bytes ?? [], to: &way.source)
    copy(segments.flatMap(\.bytes), to: &way.segments)
    return way
  }

  private static func copy<Memory>(_ bytes: [UInt8], to memory: inout Memory) {
    withUnsafeMutableBytes(of: &memory) { $0.copyBytes(from: bytes.prefix($0.count)) }
  }

  private static func bad(_ message: String, _ remedy: String) -> DatapathError {
    DatapathError(.badConfiguration, message, remedy: remedy)
  }
}

extension PathSettings: Codable {
  private enum CodingKeys: String, CodingKey { case paths, margin, explores, gap }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(paths.map(\.description), forKey: .paths)
    try container.encode(margin, forKey: .margin)
    try container.encode(explores, forKey: .explores)
    try container.encode(gapText, forKey: .gap)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(try container.decode([String].self, forKey: .paths).map { try NetworkPath($0) })
    try setMargin(try container.decode(Double.self, forKey: .margin))
    try setExploration(Double(try container.decode(Int.self, forKey: .explores)))
    try setGap(try container.decode(String.self, forKey: .gap))
  }
}
