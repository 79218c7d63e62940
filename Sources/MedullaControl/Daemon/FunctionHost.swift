import Foundation
import Logging
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot

/// One function of the daemon: what runs in the kernel, and the loop over it.
final class FunctionHost: @unchecked Sendable {
  /// What a function is found as, or brought to, before its loop starts.
  struct Loaded {
    let bundle: SnapshotBundle
    let start: StartingPoint
  }

  /// Makes the loop of a loaded function.
  typealias LoopFactory = (FunctionSettings, Loaded, LoopContext) throws -> any FunctionLoop

  /// A kernel status is asked at most this often, however many ask for it.
  private static let statusAge = Duration.milliseconds(250)

  let settings: FunctionSettings
  let loop: any FunctionLoop
  private let lock = NSLock()
  private var status: InstanceStatus?
  private var statusError: String?
  private var statusTime: ContinuousClock.Instant?
  private var beat: (count: UInt64, time: ContinuousClock.Instant)?

  init(settings: FunctionSettings, loop: any FunctionLoop) {
    self.settings = settings
    self.loop = loop
  }

  /// What it is now; the kernel's part may be a quarter of a second old.
  func report() -> FunctionReport {
    lock.withLock {
      if statusTime.map({ ContinuousClock.now - $0 >= Self.statusAge }) ?? true {
        refresh()
        statusTime = ContinuousClock.now
      }
      return FunctionReport(
        state: loop.snapshot(), bundle: settings.bundle,
        isolation: IsolationWords.of(settings.adapter), kernel: status,
        kernelError: statusError)
    }
  }

  private func refresh() {
    do {
      status = try Instance(settings.name).status()
      statusError = nil
    } catch {
      status = nil
      statusError = "\(error)"
    }
  }

  /// How long the loop has stood still; zero while it does not.
  ///
  /// The count of ticks goes up with every interval, also when the drain fails because an operator has
  /// detached the function: that is no hang, and a restart would attach it again.
  func silence(now: ContinuousClock.Instant) -> Duration {
    let state = loop.snapshot()
    return lock.withLock {
      guard let beat, beat.count == state.ticks else {
        beat = (state.ticks, now)
        return .zero
      }
      return now - beat.time
    }
  }

  /// Longer than this without a tick is a hang.
  var patience: Duration { max(.seconds(10), settings.interval * 20) }
}
