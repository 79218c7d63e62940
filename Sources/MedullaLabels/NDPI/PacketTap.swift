import Foundation
import MedullaFlows

/// Shows nDPI the packets of an interface, in a thread of its own, until it is closed.
package final class PacketTap: @unchecked Sendable {
  package let device: String
  /// Asking for what was lost is a call of the kernel.
  private static let framesBetweenCounts = 1_024

  private let flows: NDPIFlows
  private let lock = NSLock()
  private let ended = DispatchSemaphore(value: 0)
  private var isClosing = false
  private var failure: CaptureError?
  private var lostFrames: UInt64 = 0

  /// - Throws: `unreadable` where the interface cannot be read.
  package convenience init(_ device: String, into flows: NDPIFlows) throws(CaptureError) {
    self.init(try LiveCapture(device), into: flows)
  }

  /// - Parameter source: read by the tap's thread alone from now on.
  package init(_ source: any FrameSource, into flows: NDPIFlows) {
    (device, self.flows) = (source.device, flows)
    let reader = FrameReader(source)
    let thread = Thread { [self] in
      read(reader.source)
      ended.signal()
    }
    thread.name = "medulla-tap"
    thread.start()
  }

  /// Frames of the interface that found no room.
  package var lost: UInt64 { lock.withLock { lostFrames } }

  /// Why nothing is read any more, such as that the interface has gone; nil: it is.
  package var error: CaptureError? { lock.withLock { failure } }

  /// Ends the thread; it takes at most as long as the reader waits for a frame.
  package func close() {
    guard
      !lock.withLock({ () -> Bool in
        defer { isClosing = true }
        return isClosing
      })
    else { return }
    ended.wait()
  }

  private func read(_ source: any FrameSource) {
    var untilCounted = 0
    while !lock.withLock({ isClosing }) {
      do {
        let frame = try source.next()
        if let frame { flows.take(frame, of: source.link) }
        untilCounted -= 1
        guard frame == nil || untilCounted <= 0 else { continue }
        untilCounted = Self.framesBetweenCounts
        let lost = source.lost
        lock.withLock { lostFrames = lost }
      } catch {
        lock.withLock { failure = error }
        return
      }
    }
  }

  /// Hands the reader to the thread, which alone uses it from then on.
  private struct FrameReader: @unchecked Sendable {
    let source: any FrameSource

    init(_ source: any FrameSource) { self.source = source }
  }
}
