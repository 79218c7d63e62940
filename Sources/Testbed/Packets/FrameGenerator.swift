import Foundation
import MedullaBase
import MedullaDatapath
import MedullaKernel
import TestbedLink

/// Sends frames out of a device from one processor, as fast as it can or at a pace.
///
/// The kernel's own test runs make the frames (BPF_F_TEST_XDP_LIVE_FRAMES). The processor that sends them
/// also receives them at the other end of a pair of devices, so what an XDP program there does is in its
/// rate.
package final class FrameGenerator {
  /// Frames between two looks at the clock.
  private static let portion = 1 << 13
  package static let processor = 0

  private let namespace: NetworkNamespace
  private let object: BPFObject
  private let device: UInt32
  private let sender: BPFLink

  /// - Parameter device: of the namespace, with another end that has an XDP program: the kernel refuses to
  ///   send such frames to one without.
  package init(in namespace: NetworkNamespace, from device: String) throws {
    self.namespace = namespace
    object = try BPFObject(
      bytes: BPFCompiler().object(source: "packet_rate.bpf.c", files: PacketRateSources.programs),
      name: "frame_generator")
    try object.load()
    let object = object
    (self.device, sender) = try namespace.inside {
      let index = try Hook.interfaceIndex(of: device)
      // A program that is attached nowhere enters the kernel's table with each call, which waits for all
      // processors.
      return (index, try BPFLink(attaching: object.loadedProgram("rate_send"), to: .xdp, interface: index))
    }
    try course(at: UInt32(Self.processor), to: self.device)
  }

  private func course(at key: UInt32, to device: UInt32) throws {
    let map = try object.loadedMap("rate_courses")
    var words = [Int64](repeating: 0, count: map.valueSize / 8)
    words[3] = Int64(device)
    try map.set(words: words, at: key)
  }

  /// Drops all that comes in at a device, until the link is gone.
  package func drop(at device: String) throws -> BPFLink {
    try namespace.inside {
      try BPFLink(
        attaching: object.loadedProgram("rate_empty_xdp"), to: .xdp,
        interface: Hook.interfaceIndex(of: device))
    }
  }

  /// Sends all that comes in at a device out of another, until the link is gone.
  package func forward(at device: String, to output: String) throws -> BPFLink {
    try namespace.inside {
      try course(at: UInt32(Self.lastCourse), to: Hook.interfaceIndex(of: output))
      return try BPFLink(
        attaching: object.loadedProgram("rate_forward"), to: .xdp,
        interface: Hook.interfaceIndex(of: device))
    }
  }

  /// `RATE_PROCESSORS - 1`, where `rate_forward` finds its device.
  private static let lastCourse = 1_023

  /// Sends one frame again and again, at real-time priority.
  ///
  /// - Returns: how many, and how many a second.
  package func flood(_ frame: [UInt8], seconds: Double) throws -> (frames: Int, rate: Double) {
    try onProcessor { program, device in
      let begin = MonotonicClock.nanoseconds
      var frames = 0
      func elapsed() -> Double { Double(MonotonicClock.nanoseconds - begin) / 1e9 }
      while elapsed() < seconds {
        try Interruption.check()
        try program.send(frame, count: Self.portion, from: device)
        frames += Self.portion
      }
      return (frames, Double(frames) / elapsed())
    }
  }

  /// Sends one frame every so many microseconds.
  package func pace(_ frame: [UInt8], every microseconds: Int, seconds: Double) throws -> Int {
    try onProcessor { program, device in
      let begin = MonotonicClock.nanoseconds
      let count = Int(seconds * 1e6) / microseconds
      for number in 0..<count {
        let due = begin + UInt64(number * microseconds) * 1_000
        while MonotonicClock.nanoseconds < due {}
        try program.send(frame, count: 1, from: device)
      }
      return count
    }
  }

  private func onProcessor<Value: Sendable>(
    _ body: @escaping @Sendable (BPFProgram, UInt32) throws -> Value
  ) throws -> Value {
    let program = try object.loadedProgram("rate_send")
    let device = device
    return try ProcessorThread.run(on: Self.processor, in: namespace) {
      RealTimeThread.raise(0)
      return try body(program, device)
    }
  }
}
