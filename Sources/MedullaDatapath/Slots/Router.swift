import CMedullaABI

/// Chooses where a snapshot goes and which one new flows take, over all program sets of an instance.
///
/// A value: events go in, actions come out in the order in which they must be done. A process that dies
/// between two of them leaves a state that the next `Router` reads as it is and goes on from.
package struct Router: Equatable, Sendable {
  /// Program sets of one instance that may exist at once; each holds its own slots.
  package static let generationLimit = 4

  /// A slot of a generation.
  package struct Place: Hashable, Sendable {
    package let generation: Int
    package let slot: Int

    package init(generation: Int, slot: Int) {
      self.generation = generation
      self.slot = slot
    }
  }

  /// What tells a snapshot from another one.
  package struct Identity: Equatable, Sendable {
    package let digest: [UInt8]
    package let shape: [UInt8]
    package let name: String

    package init(digest: [UInt8], shape: [UInt8], name: String) {
      self.digest = digest
      self.shape = shape
      self.name = name
    }
  }

  package struct Generation: Equatable, Sendable {
    package let number: Int
    package let shape: [UInt8]
    package var table: SlotTable
    /// When another program set took the instance's name; 0 while this one has it.
    package var leftNanoseconds: UInt64

    package init(number: Int, shape: [UInt8], table: SlotTable, leftNanoseconds: UInt64 = 0) {
      self.number = number
      self.shape = shape
      self.table = table
      self.leftNanoseconds = leftNanoseconds
    }
  }

  package enum Action: Equatable, Sendable {
    /// Load the program set for the new snapshot's shape.
    case load(generation: Int)
    /// Write the image, then what describes it.
    case store(Place, Identity, version: UInt64, now: UInt64)
    case setPrevious(generation: Int, Place?)
    /// Names the slot of a generation that holds the candidate, or says that there is none, and ends a
    /// shadow.
    case setStaged(generation: Int, slot: Int?)
    case retire(Place, now: UInt64)
    case setMoving(Place, Bool)
    /// The one store that is the swap.
    case activate(Place)
    /// Stops or resumes sending a whole generation's flows to the instance's current programs.
    case setRetired(generation: Int, Bool)
    /// Notes when a program set lost the instance's name; nil: it has it again.
    case leave(generation: Int, at: UInt64?)
    /// The one link update that is the swap of program sets.
    case point(generation: Int)
    /// Visit the flows of moving slots, so that idle ones leave too.
    case drain(generation: Int)
    case remove(generation: Int)
  }

  /// Rows of what the kernel keeps by program set: its pins, and the array of a dispatcher's programs.
  package static let rowCount = Int(MEDULLA_GENERATIONS)

  static func row(of generation: Int) -> Int { generation % rowCount }

  /// The pin of a program set's first slot.
  static func firstPin(of generation: Int) -> Int { row(of: generation) * SlotTable.capacity }

  package var generations: [Generation]
  /// Rows that hold flows. One that no generation has is of a flow that came while its program set went: it
  /// keeps that row until it is idle, and no other program set may get it.
  package var heldRows: Set<Int> = []
  package var current: Int
  package var previous: Place?
  package var nextVersion: UInt64
  /// 0: flows stay as long as they live.
  package var drainLimitNanoseconds: UInt64

  package init(
    generations: [Generation], current: Int, previous: Place? = nil, nextVersion: UInt64 = 1,
    drainLimitNanoseconds: UInt64 = 0
  ) {
    self.generations = generations
    self.current = current
    self.previous = previous
    self.nextVersion = nextVersion
    self.drainLimitNanoseconds = drainLimitNanoseconds
  }

  /// Where new flows go.
  package var activePlace: Place? {
    table(current)?.active.map { Place(generation: current, slot: $0) }
  }

  package func slot(at place: Place) -> SlotTable.Slot? { table(place.generation)?.slots[place.slot] }

  /// Puts a snapshot into a free slot, of its shape's program set, and makes it active.
  package mutating func install(_ snapshot: Identity, now: UInt64) throws(DatapathError) -> [Action] {
    let (place, actions) = try store(snapshot, now: now)
    return actions + makeActive(place, now: now)
  }

  /// Goes back to what was active before; done twice, it comes forward again.
  package mutating func rollback(now: UInt64) throws(DatapathError) -> [Action] {
    guard let place = previous, let slot = slot(at: place), slot.version > 0 else {
      throw DatapathError(
        .nothingToRollBackTo, "no snapshot was active before this one",
        remedy: "a rollback needs an update before it")
    }
    return makeActive(place, now: now)
  }

  /// What time brings: flows past the drain limit move, program sets without flows go.
  ///
  /// It also sets right who has the name, where a command died around the link's update.
  package mutating func sweep(now: UInt64) -> [Action] {
    var actions = settleNames(now: now) + settleStaged()
    for generation in generations where generation.number != current {
      let isKept = [previous, staged].contains { $0?.generation == generation.number }
      if isEmpty(generation, now: now) && !isKept {
        actions.append(.remove(generation: generation.number))
      } else if isOverdue(generation, now: now) {
        actions.append(.setRetired(generation: generation.number, true))
      }
    }
    generations.removeAll { generation in actions.contains(.remove(generation: generation.number)) }
    let overdue = table(current)?.overdue(limit: drainLimitNanoseconds, now: now) ?? []
    for index in overdue {
      update(current) { $0.slots[index].isMoving = true }
      actions.append(.setMoving(Place(generation: current, slot: index), true))
    }
    if !overdue.isEmpty { actions.append(.drain(generation: current)) }
    return actions
  }

  mutating func store(
    _ snapshot: Identity, now: UInt64
  ) throws(DatapathError) -> (place: Place, actions: [Action]) {
    var actions: [Action] = []
    let target: Int
    if let existing = newest(of: snapshot.shape) {
      target = existing
    } else {
      guard generations.count < Self.generationLimit, let number = freeNumber else {
        throw DatapathError(
          .noFreeGeneration, "\(generations.count) program sets still hold flows",
          remedy: "wait for their flows to end, or set a drain limit")
      }
      target = number
      generations.append(Generation(number: target, shape: snapshot.shape, table: SlotTable()))
      actions.append(.load(generation: target))
    }
    // What is active is never free; the way back is taken only when nothing else is.
    let kept = previous.flatMap { $0.generation == target ? $0.slot : nil }
    guard let index = table(target)?.writableSlot(keeping: kept, now: now) else { throw noFreeSlot(target) }
    let place = Place(generation: target, slot: index)
    if place == previous {
      // Before the store: a rollback must never find another snapshot than the one that was active.
      previous = nil
      actions.append(.setPrevious(generation: current, nil))
    }
    var slot = SlotTable.Slot()
    slot.version = nextVersion
    slot.digest = snapshot.digest
    slot.name = snapshot.name
    slot.loadedNanoseconds = now
    update(target) { $0.slots[index] = slot }
    actions.append(.store(place, snapshot, version: nextVersion, now: now))
    nextVersion += 1
    return (place, actions)
  }

  mutating func makeActive(_ place: Place, now: UInt64) -> [Action] {
    let before = activePlace
    var actions: [Action] = []
    if slot(at: place)?.isMoving == true {
      update(place.generation) { $0.slots[place.slot].isMoving = false }
      actions.append(.setMoving(place, false))
    }
    previous = before
    actions.append(.setPrevious(generation: place.generation, before))
    if let before {
      update(before.generation) { $0.slots[before.slot].retiredNanoseconds = now }
      actions.append(.retire(before, now: now))
    }
    update(place.generation) { $0.active = place.slot }
    actions.append(.activate(place))
    if place.generation != current {
      actions.append(.setRetired(generation: place.generation, false))
      // A set that has the name must never say that it lost it: new flows would find no programs.
      actions.append(setLeft(place.generation, at: nil))
      actions.append(.point(generation: place.generation))
      actions.append(setLeft(current, at: now))
      current = place.generation
    }
    return actions
  }

  /// Whether no flow is on any other program set, nor on its way to one.
  package func isAlone(now: UInt64) -> Bool {
    generations.allSatisfy { $0.number == current || isEmpty($0, now: now) }
  }

  /// Whether a program set has no flows, and whatever was on its way to it when it lost the name has come.
  /// One that never had it was never sent any.
  private func isEmpty(_ generation: Generation, now: UInt64) -> Bool {
    guard generation.table.flows == 0 else { return false }
    let left = generation.leftNanoseconds
    let hasPassedGrace = left > 0 && now >= left && now - left >= SlotTable.graceNanoseconds
    return generation.table.active == nil || hasPassedGrace
  }

  /// Above all others, and of a row that nobody has; nil when flows hold every row.
  private var freeNumber: Int? {
    let taken = heldRows.union(generations.map { Self.row(of: $0.number) })
    let next = (generations.map(\.number).max() ?? 0) + 1
    return (next..<(next + Self.rowCount)).first { !taken.contains(Self.row(of: $0)) }
  }

  private mutating func settleNames(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for generation in generations where (generation.number == current) != (generation.leftNanoseconds == 0) {
      actions.append(setLeft(generation.number, at: generation.number == current ? nil : now))
    }
    return actions
  }

  private mutating func setLeft(_ number: Int, at time: UInt64?) -> Action {
    if let index = generations.firstIndex(where: { $0.number == number }) {
      generations[index].leftNanoseconds = time ?? 0
    }
    return .leave(generation: number, at: time)
  }

  private func isOverdue(_ generation: Generation, now: UInt64) -> Bool {
    guard drainLimitNanoseconds > 0, generation.table.flows > 0 else { return false }
    let last = generation.table.slots.map(\.retiredNanoseconds).max() ?? 0
    return now > last && now - last > drainLimitNanoseconds
  }

  private func noFreeSlot(_ generation: Int) -> DatapathError {
    let held = table(generation)?.slots.map(\.flows) ?? []
    return DatapathError(
      .noFreeSlot, "every slot has flows or was active less than a second ago (flows: \(held))",
      remedy: "try again in a second, wait for flows to end, or set a drain limit")
  }

  private func newest(of shape: [UInt8]) -> Int? {
    generations.filter { $0.shape == shape }.map(\.number).max()
  }

  func table(_ number: Int) -> SlotTable? {
    generations.first { $0.number == number }?.table
  }

  mutating func update(_ number: Int, _ change: (inout SlotTable) -> Void) {
    guard let index = generations.firstIndex(where: { $0.number == number }) else { return }
    change(&generations[index].table)
  }
}
