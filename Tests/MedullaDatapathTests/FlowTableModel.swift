/// The table of flows as a small machine: every step of the C that touches what another processor sees is one
/// step here, and all orders in which a few processors can take them are gone through.
///
/// One key, and another key that competes for the memory; two places of memory, so that a key can come back
/// elsewhere while an old holder looks. Time is the flag `idle` of a place: only the sweep's second key needs
/// it.
struct FlowTableModel: Hashable {
  enum Key: Hashable { case first, second }

  /// What stands in a place of the preallocated table.
  struct Element: Hashable {
    var key: Key?
    var isLinked = false
    /// The number and whether the pin is still there; the table's word.
    var number = 0
    var hasPin = false
    var isIdle = false
  }

  /// Whether the word has the number, and ending looks the key up again (as the C does), or neither, as it
  /// did before.
  enum Order: Hashable { case byWord, byPinAlone }

  var elements: [Element]
  /// What the counts say, of all pins together.
  var held: Int
  /// Flows that were ended although they were not idle, and no packet of theirs had ended them.
  var wronged = 0
  var nextNumber = 10
  var actors: [Actor]
  let order: Order

  struct Actor: Hashable {
    let work: Work
    var step = 0
    var element: Int?
    var key: Key?
    var number = 0
    var isDone = false
  }

  enum Work: Hashable {
    /// A packet that ends the flow of its key.
    case end(Key)
    /// A packet that begins one, if there is none.
    case begin(Key)
    /// The sweep, at one place of memory.
    case sweep(Int)
  }

  private func find(_ key: Key) -> Int? { elements.firstIndex { $0.isLinked && $0.key == key } }

  /// All that can be next: one actor takes one step.
  func successors() -> [FlowTableModel] {
    actors.indices.filter { !actors[$0].isDone }.map { index in
      var next = self
      next.advance(index)
      return next
    }
  }

  var isQuiet: Bool { actors.allSatisfy(\.isDone) }

  /// What must hold when nobody is on the way; nil when it does.
  var fault: String? {
    let linked = elements.filter(\.isLinked)
    if held != linked.filter(\.hasPin).count { return "\(held) counted, \(linked.count) in the table" }
    if linked.contains(where: { !$0.hasPin }) { return "a flow without a pin stays in the table" }
    if wronged > 0 { return "a flow was ended that was neither idle nor over" }
    return nil
  }

  private mutating func advance(_ index: Int) {
    switch actors[index].work {
    case .begin(let key): begin(key, index)
    case .end(let key): end(key, index)
    case .sweep(let element): sweep(element, index)
    }
  }

  /// Counts, then adds; when another was first or there is no room, takes it off the count again.
  private mutating func begin(_ key: Key, _ index: Int) {
    switch actors[index].step {
    case 0:
      held += 1
    case 1:
      guard find(key) == nil, let free = elements.firstIndex(where: { !$0.isLinked }) else { break }
      elements[free] = Element(key: key, isLinked: true, number: nextNumber, hasPin: true)
      nextNumber += 1
      actors[index].isDone = true
    default:
      held -= 1
      actors[index].isDone = true
    }
    actors[index].step += 1
  }

  private mutating func end(_ key: Key, _ index: Int) {
    guard actors[index].step == 0 else { return take(index) }
    actors[index].key = key
    actors[index].element = find(key)
    actors[index].isDone = actors[index].element == nil
    actors[index].step = 1
  }

  /// Before, the key was read where it stands, at the deletion; now it is copied from the flow's place, which
  /// may name a flow that is gone.
  private mutating func sweep(_ element: Int, _ index: Int) {
    guard actors[index].step == 0 else { return take(index) }
    actors[index].key = elements[element].key
    actors[index].element = element
    let isCandidate = elements[element].isLinked && elements[element].isIdle
    actors[index].isDone = !isCandidate
    actors[index].step = 1
  }

  /// The steps of `medulla_end_flow`.
  private mutating func take(_ index: Int) {
    switch order {
    case .byWord: takeByWord(index)
    case .byPinAlone: takeByPin(index)
    }
    actors[index].step += 1
  }

  private func isSweep(_ index: Int) -> Bool {
    if case .sweep = actors[index].work { return true }
    return false
  }

  private mutating func takeByWord(_ index: Int) {
    guard let at = actors[index].element, let key = actors[index].key else { return }
    switch actors[index].step {
    case 1:
      actors[index].number = elements[at].number
      actors[index].isDone = !elements[at].hasPin
    case 2:
      actors[index].isDone = find(key) != at
    case 3:
      actors[index].isDone = isSweep(index) && !elements[at].isIdle
    case 4:
      guard elements[at].number == actors[index].number, elements[at].hasPin else {
        actors[index].isDone = true
        return
      }
      take(at, index, key)
    case 5: held -= 1
    default:
      delete(key)
      actors[index].isDone = true
    }
  }

  private mutating func takeByPin(_ index: Int) {
    guard let at = actors[index].element, let key = actors[index].key else { return }
    switch actors[index].step {
    case 1:
      actors[index].isDone = !elements[at].hasPin
      if elements[at].hasPin { take(at, index, key) }
    case 2: held -= 1
    default:
      // The sweep's key pointed into the memory.
      if let key = isSweep(index) ? elements[at].key : key { delete(key) }
      actors[index].isDone = true
    }
  }

  private mutating func take(_ at: Int, _ index: Int, _ key: Key) {
    elements[at].hasPin = false
    let isRight = elements[at].isLinked && elements[at].key == key && (!isSweep(index) || elements[at].isIdle)
    if !isRight { wronged += 1 }
  }

  private mutating func delete(_ key: Key) {
    guard let at = find(key) else { return }
    elements[at].isLinked = false
  }
}
