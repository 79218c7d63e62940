import CLibBPF
import Glibc

/// The reading side of a BPF ring buffer, drained by the caller's own timer.
///
/// A ring that fills never wakes a sleeping reader when records are submitted without wakeups, so `wait` is
/// only for rings whose every record forces one.
package final class RingBuffer {
  /// Receives each record; the bytes are valid only during the call.
  package typealias Receiver = (UnsafeRawBufferPointer) -> Void

  private final class Context {
    var receive: Receiver = { _ in }
    /// Records that may still be handed over in this call.
    var left = Int.max
  }

  private let ring: OpaquePointer
  private let context: Unmanaged<Context>
  private let map: BPFMap

  package init(_ map: BPFMap) throws(KernelError) {
    let context = Unmanaged.passRetained(Context())
    let made = ring_buffer__new(
      map.descriptor.number,
      { context, data, size in
        guard let context else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: data, count: Int(size))
        let owner = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
        owner.receive(bytes)
        owner.left -= 1
        return owner.left > 0 ? 0 : -ECANCELED
      }, context.toOpaque(), nil)
    guard let made else {
      context.release()
      throw .system("open ring buffer \(map.name)")
    }
    ring = made
    self.context = context
    self.map = map
  }

  deinit {
    ring_buffer__free(ring)
    context.release()
  }

  /// Hands every record that is there to `receive`, at most `limit`, and gives their number.
  @discardableResult
  package func consume(
    limit: Int = Int(Int32.max), _ receive: @escaping Receiver
  ) throws(KernelError) -> Int {
    guard limit > 0 else { return 0 }
    let owner = context.takeUnretainedValue()
    owner.receive = receive
    owner.left = limit
    defer {
      owner.receive = { _ in }
      owner.left = Int.max
    }
    let count = ring_buffer__consume(ring)
    // The one that reaches the limit ends the call, and counts as read.
    guard count != -ECANCELED else { return limit }
    guard count >= 0 else { throw .system("drain ring buffer \(map.name)", number: count) }
    return Int(count)
  }

  /// Sleeps until a record comes, at most so long, and hands on what is there; gives the number.
  package func wait(milliseconds: Int32, _ receive: @escaping Receiver) throws(KernelError) -> Int {
    let owner = context.takeUnretainedValue()
    owner.receive = receive
    defer { owner.receive = { _ in } }
    let count = ring_buffer__poll(ring, milliseconds)
    guard count >= 0 else { throw .system("wait for ring buffer \(map.name)", number: count) }
    return Int(count)
  }
}
