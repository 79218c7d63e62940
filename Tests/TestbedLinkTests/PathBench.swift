@testable import TestbedLink

/// A path with a pool, driven by a clock that the test sets.
struct PathBench {
  var path: PathQueue
  private var pool = PacketPool(mtu: 1500, segmentsPerUnit: 8)

  init(_ configuration: PathConfiguration, seed: UInt64 = 1, origin: UInt64 = 0) {
    let link = LinkConfiguration(forward: configuration, backward: .init())
    path = PathQueue(configuration, link: link, seed: seed, origin: origin)
  }

  var window: PathRecorder.Window { path.recorder.current }

  /// Packets of 1,500 bytes that come together, with numbers from `first` on.
  mutating func accept(_ count: Int, from first: Int = 0, trafficClass: UInt8 = 0, at time: UInt64) {
    for number in first..<first + count {
      var frame = Frames.plain(bytes: 1500, trafficClass: trafficClass)
      Frames.put(&frame, 14, number)
      accept(frame, at: time)
    }
  }

  mutating func accept(_ frame: [UInt8], at time: UInt64) {
    frame.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress { path.accept(base, length: buffer.count, at: time, pool: &pool) }
    }
  }

  mutating func change(_ configuration: PathConfiguration, at time: UInt64) {
    path.change(configuration, mtu: 1500, segmentLimit: 8, at: time)
  }

  /// What leaves until `end`, each when a loop that never sleeps too long writes it, with the number in its
  /// IP identification and how often it is written.
  mutating func departures(until end: UInt64) -> [(time: UInt64, number: Int, copies: Int)] {
    var departures: [(time: UInt64, number: Int, copies: Int)] = []
    while let next = path.nextEvent, next <= end {
      path.advance(to: next)
      while let packet = path.takeDue(next) {
        let number = Int(packet.pointee.bytes[14]) << 8 | Int(packet.pointee.bytes[15])
        departures.append((next, number, packet.pointee.copies))
        pool.giveBack(packet)
      }
    }
    return departures
  }

  mutating func finish() {
    path.clear(into: &pool)
    pool.drain()
  }
}
