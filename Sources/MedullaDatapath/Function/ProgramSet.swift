import MedullaKernel

/// The loaded programs of one shape: one kernel object, or several that share their maps.
package struct ProgramSet {
  package let objects: [BPFObject]
  /// The program that does the function's work, by which its cost is told.
  package let main: String

  /// Loads objects one after the other. Maps of one name are one map; the first object has the core's.
  ///
  /// - Throws: `badBundle` when the programs take images of another size than the snapshot's.
  package init(
    loading objects: [BPFObject], main: String, snapshot: DatapathSnapshot, shared: SharedMaps.Origin
  ) throws {
    var made: [String: BPFMap] = [:]
    for object in objects {
      try shared.give(to: object, except: Array(made.keys))
      for name in object.mapNames where Self.isNamed(name) {
        if let map = made[name] { try object.reuse(map, as: name) }
      }
      try FlowTableSize.tell(object)
      try object.load()
      for name in object.mapNames where Self.isNamed(name) && made[name] == nil {
        made[name] = try object.loadedMap(name)
      }
    }
    self.objects = objects
    self.main = main
    try snapshot.checkSlots(of: map("medulla_slots"))
  }

  /// Names with a dot are the compiler's: constants and variables of one object.
  private static func isNamed(_ map: String) -> Bool { !map.contains(".") }

  package func map(_ name: String) throws -> BPFMap { try object(withMap: name).loadedMap(name) }

  package func program(_ name: String) throws -> BPFProgram {
    let object = objects.first { $0.programNames.contains(name) } ?? objects[0]
    return try object.loadedProgram(name)
  }

  func object(withMap name: String) -> BPFObject {
    objects.first { $0.mapNames.contains(name) } ?? objects[0]
  }

  /// Pins all programs and all maps but those of the instance at `path`; the control block must be complete
  /// before, and the main program comes last: without it the set is not whole.
  func pin(at path: String, except shared: [String]) throws {
    try BPFFileSystem.makeDirectory(path)
    var pinned: Set<String> = []
    for object in objects {
      for name in object.mapNames where Self.isNamed(name) && !shared.contains(name) {
        guard pinned.insert(name).inserted else { continue }
        try object.loadedMap(name).pin(at: path + "/" + name)
      }
      for name in object.programNames {
        let pin = PinnedGeneration.programPrefix + name
        guard pinned.insert(pin).inserted else { continue }
        try object.loadedProgram(name).pin(at: path + "/" + pin)
      }
    }
    try program(main).pin(at: path + "/" + PinnedGeneration.mainPin)
  }
}
