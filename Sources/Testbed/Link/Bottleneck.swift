import MedullaBase

/// When a server of constant rate finishes each packet, in virtual time: exact however late the loop runs.
struct ServiceSchedule: Equatable {
  private(set) var nanosecondsPerByte: Double
  /// When the last packet's service ends.
  private(set) var busyUntil: UInt64
  /// Part of a nanosecond that rounding has left over, so that rates stay exact over millions of packets.
  private var remainder = 0.0

  /// nil bits per second: service takes no time.
  init(bitsPerSecond: Double?, busyUntil: UInt64 = 0) {
    self.busyUntil = busyUntil
    nanosecondsPerByte = Self.pace(bitsPerSecond)
  }

  /// Serves at another rate from the packet in service on.
  mutating func change(bitsPerSecond: Double?) { nanosecondsPerByte = Self.pace(bitsPerSecond) }

  private static func pace(_ bitsPerSecond: Double?) -> Double { bitsPerSecond.map { 8e9 / $0 } ?? 0 }

  @inline(__always)
  func start(arrival: UInt64) -> UInt64 { max(busyUntil, arrival) }

  /// When a packet of `bytes` that arrived at `arrival` would be through.
  @inline(__always)
  func end(arrival: UInt64, bytes: Int) -> UInt64 {
    start(arrival: arrival) &+ UInt64(Double(bytes) * nanosecondsPerByte + remainder)
  }

  /// Serves that packet.
  @inline(__always)
  mutating func serve(arrival: UInt64, bytes: Int) {
    let begun = start(arrival: arrival)
    let exact = Double(bytes) * nanosecondsPerByte + remainder
    let whole = UInt64(exact)
    remainder = exact - Double(whole)
    busyUntil = begun &+ whole
  }
}

/// A byte-counted buffer that refuses what does not fit.
struct Droptail: Equatable {
  /// What it holds may exceed a limit that was lowered; then it takes nothing until enough has left.
  var limitBytes: Int
  private(set) var heldBytes = 0

  @inline(__always)
  func fits(_ bytes: Int) -> Bool { heldBytes + bytes <= limitBytes }

  /// Takes `bytes` in, or refuses them whole.
  @inline(__always)
  mutating func admit(_ bytes: Int) -> Bool {
    guard fits(bytes) else { return false }
    heldBytes += bytes
    return true
  }

  @inline(__always)
  mutating func release(_ bytes: Int) { heldBytes -= bytes }
}
