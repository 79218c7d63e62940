import MedullaKernel

extension PinnedInstance {
  /// Carries out a router's actions in their order.
  ///
  /// - Parameter snapshot: what `store` and `load` are about; nil for events that store nothing.
  func perform(_ actions: [Router.Action], snapshot: DatapathSnapshot?) throws {
    for action in actions {
      switch action {
      case .load(let number): try load(number, snapshot: snapshot)
      case .store(let place, let identity, let version, let now):
        guard let snapshot else { continue }
        let generation = try generation(place.generation)
        generation.control.clear(place.slot)
        try generation.resetCounts(of: place.slot)
        try generation.slots.set(words: snapshot.image, at: UInt32(place.slot))
        generation.control.describe(place.slot, identity, version: version, now: now)
        generation.control.nextVersion = version + 1
      case .setPrevious(let number, let place): try generation(number).control.previous = place
      case .setStaged(let number, let slot):
        let control = try generation(number).control
        if slot == nil { control.shadowEvery = 0 }
        control.staged = slot
      case .retire(let place, let now):
        try generation(place.generation).control.setRetired(place.slot, at: now)
      case .setMoving(let place, let moving):
        try generation(place.generation).control.setMoving(place.slot, moving)
      case .activate(let place): try generation(place.generation).control.active = place.slot
      case .setRetired(let number, let retired): try generation(number).control.isRetired = retired
      case .leave(let number, let time): try generation(number).control.leftNanoseconds = time ?? 0
      case .point(let number): try function.point(self, to: generation(number))
      case .drain(let number): try function.drain(generation(number))
      case .remove(let number):
        try function.remove(generation(number), from: self)
        try PinnedGeneration.unpin(Self.generationPath(of: name, number))
        generations.removeAll { $0.number == number }
      }
    }
  }

  private func generation(_ number: Int) throws -> PinnedGeneration {
    guard let generation = generations.first(where: { $0.number == number }) else {
      throw DatapathError(.notAttached, "\(name) has no generation \(number)")
    }
    return generation
  }

  /// Another shape's program set, with the settings of the current one, ready to be pointed at.
  private func load(_ number: Int, snapshot: DatapathSnapshot?) throws {
    guard let snapshot else { return }
    let current = try current()
    let sizes = current.control.formats
    try NetworkSizes(inputs: sizes.inputs, outputs: sizes.outputs).check(snapshot, for: "\(name)")
    let shared = try shared()
    let set = try function.load(snapshot, for: name, shared: .lent(shared))
    for hook in try function.hooks(of: name) {
      if case .structOps(let map) = hook.place { try set.object(withMap: map).prepareStructOps(map) }
    }
    let control = try ControlBlock(set.map("medulla_control"))
    control.fill(snapshot, generation: number)
    control.takeSettings(of: current.control)
    let path = Self.generationPath(of: name, number)
    do {
      try set.pin(at: path, except: Array(shared.maps.keys))
      generations.append(try PinnedGeneration(number: number, path: path))
    } catch {
      try? PinnedGeneration.unpin(path)
      throw error
    }
  }
}
