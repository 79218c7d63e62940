import Foundation
import PacketCases
import Testing

@testable import MedullaFlows

@Suite("capture files")
final class CaptureFileTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "medulla-captures-\(UUID())")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func little(_ values: [UInt32]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
  }

  /// A pcap file of microseconds.
  private func file(_ frames: [[UInt8]], link: UInt32 = 1, rest: [UInt8] = []) throws -> String {
    var bytes = little([0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, link])
    for (index, frame) in frames.enumerated() {
      bytes +=
        little([1_600_000_000, UInt32(index) * 1_000, UInt32(frame.count), UInt32(frame.count)]) + frame
    }
    let path = folder.appendingPathComponent("some.pcap").path
    try Data(bytes + rest).write(to: URL(fileURLWithPath: path))
    return path
  }

  private let frame = Wire.ethernet(0x0800) + Wire.four(17, bytes: 40) + Wire.udp(32) + Wire.payload

  @Test("a capture is read to its end, with times to the nanosecond")
  func whole() throws {
    let capture = try CaptureFile(file([frame, frame]))
    #expect(try capture.next()?.nanoseconds == 1_600_000_000_000_000_000)
    #expect(try capture.next()?.nanoseconds == 1_600_000_000_001_000_000)
    #expect(try capture.next() == nil)
  }

  @Test("a capture that ends in the middle gives what is before that, and says so")
  func truncated() throws {
    let path = try file([frame, frame], rest: little([1, 0, 74, 74]) + [1, 2, 3])
    var broken: [CaptureError] = []
    let meter = try FlowMeter.measure(CaptureFile(path), idle: .seconds(60)) { broken.append($0) }
    #expect(broken.map(\.code) == [.truncated] && meter.counts.frames == 2 && meter.flows.count == 1)
  }

  @Test("what is no capture, or of a link without flows, is refused with what to do")
  func refused() throws {
    let text = folder.appendingPathComponent("text").path
    try Data("no capture".utf8).write(to: URL(fileURLWithPath: text))
    let empty = folder.appendingPathComponent("empty").path
    try Data().write(to: URL(fileURLWithPath: empty))
    for path in [text, empty, folder.path, folder.path + "/absent"] {
      let error = #expect(throws: CaptureError.self) { try CaptureFile(path) }
      #expect(error?.code == .unreadable && error?.remedy.isEmpty == false, "\(path)")
    }
    let usb = try file([frame], link: 189)
    let error = #expect(throws: CaptureError.self) { try CaptureFile(usb) }
    #expect(error?.code == .unknownLink && error?.message.contains("USB") == true)
  }

  @Test("rows that cannot be written leave nothing behind")
  func unwritable() throws {
    let path = folder.path + "/absent/rows.csv"
    let error = #expect(throws: CaptureError.self) { try FlowTable([]).write(to: path) }
    #expect(error?.code == .unwritable)
  }
}
