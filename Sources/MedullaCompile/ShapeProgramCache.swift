import MedullaDatapath
import Synchronization

/// What this process has compiled for shapes, since a run of many snapshots has few shapes.
enum ShapeProgramCache {
  struct Key: Hashable {
    let shape: [UInt8]
    /// The texts of the user's functions.
    let own: [String]
    let functions: [String]
  }

  /// Shapes that are kept; a run with more compiles some again.
  static let limit = 64
  private static let kept = Mutex<[Key: [String: CompiledProgram]]>([:])

  static func objects(
    for key: Key, make: () throws -> [String: CompiledProgram]
  ) rethrows -> [String: CompiledProgram] {
    if let objects = kept.withLock({ $0[key] }) { return objects }
    let objects = try make()
    kept.withLock { kept in
      if kept.count >= limit { kept.removeAll() }
      kept[key] = objects
    }
    return objects
  }
}
