import Foundation
import MedullaKernel

/// One of a fabric's client numbers, for as long as this process holds it, and where its inferences begin:
/// behind those of whoever had the number before.
final class ClientSeat {
  /// Numbers that are kept aside at once, so that a client that is killed has not given one twice.
  private static let reserve: UInt32 = 1 << 16

  let number: Int
  private let path: String
  private let lock: FileLock
  private var next: UInt32
  private var kept: UInt32

  /// - Throws: `noSeat` when as many clients as the fabric takes are there.
  init(_ names: FabricNames, clients: Int) throws(FabricError) {
    for number in 0..<clients {
      let path = "\(names.folder)/client\(number)"
      guard let lock = try? FileLock(path: path + ".lock", patience: .zero) else { continue }
      self.number = number
      self.path = path
      self.lock = lock
      let text = try? String(contentsOfFile: path, encoding: .utf8)
      next = text.flatMap { UInt32($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 1
      kept = next
      return
    }
    throw FabricError(
      .noSeat, "\(clients) clients are at the fabric \(names.fabric), and it takes no more",
      remedy: "wait for one of them, or give `medulla fabric up` more (--clients)")
  }

  /// Where the next `count` inferences begin.
  ///
  /// - Throws: `system` where that cannot be written down.
  func take(_ count: Int) throws(FabricError) -> UInt32 {
    let first = next
    next &+= UInt32(truncatingIfNeeded: count)
    while Int32(bitPattern: kept &- next) < 0 { kept &+= Self.reserve }
    do {
      try "\(kept)\n".write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw FabricError(.system, "\(path) cannot be written", cause: error.localizedDescription)
    }
    return first
  }
}
