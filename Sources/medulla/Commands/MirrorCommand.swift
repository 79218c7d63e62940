import ArgumentParser
import Foundation
import MedullaBase
import MedullaClassification
import MedullaCompile
import MedullaDatapath
import MedullaFlows

/// `medulla mirror NAME`.
struct MirrorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mirror", abstract: "Read the packets that a classifier mirrors.",
    discussion: """
      A line for each packet, or with --write a capture of their first 256 bytes. Packets that nobody reads \
      stay in a ring of 1 MiB; what comes when it is full is counted. One reader at a time.
      """)

  @Option(help: ArgumentHelp("Write a capture (pcap); - for standard output.", valueName: "file"))
  var write: String?
  @Option(help: ArgumentHelp("End after so many packets.", valueName: "n"))
  var count: Int?
  @Option(help: ArgumentHelp("End after this time, such as 10s.", valueName: "time"))
  var time: String?
  @Argument(help: "The instance's name.")
  var name: String

  func validate() throws {
    guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count takes 1 or more.") }
  }

  func run() throws {
    let mirrored = try MirroredPackets(of: InstanceName(name), among: .all)
    let file = try write.map { try CaptureWriter($0) }
    let end = try time.map { ContinuousClock.now + (try Quantity.duration($0)) }
    let toWallClock = UInt64(Date().timeIntervalSince1970 * 1e9) - MonotonicClock.nanoseconds
    var left = count ?? .max
    while left > 0, end.map({ ContinuousClock.now < $0 }) ?? true {
      for packet in try mirrored.next(within: 100).prefix(left) {
        left -= 1
        let wall = packet.nanoseconds &+ toWallClock
        if let file {
          try file.add(packet.bytes, length: packet.length, at: wall)
        } else {
          let seconds = String(format: "%.6f", Double(wall) / 1e9)
          let margin = String(format: "%.3f", packet.margin)
          print("\(seconds) \(packet.label) margin \(margin) flow \(packet.flow) \(packet.length) bytes")
        }
      }
    }
    Narration.tell("\((count ?? .max) - left) packets")
  }
}
