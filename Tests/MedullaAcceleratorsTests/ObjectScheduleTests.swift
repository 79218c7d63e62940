import MedullaBase
import MedullaPayload
import Testing

@testable import MedullaAccelerators

@Suite("The schedule of objects")
struct ObjectScheduleTests {
  typealias Action = ObjectSchedule.Action

  static func pieces(_ places: Range<Int>) -> [PayloadPiece] {
    places.map { PayloadPiece(source: $0 * 2_048, destination: $0 * 10, length: 10) }
  }

  static func schedule(
    _ policy: TransferPolicy = .pull, tensors: Int = 2, batch: Int = 4, waiting: Int = 1,
    cutThrough: Bool = true
  ) -> ObjectSchedule {
    var settings = ObjectSchedule.Settings(policy: policy, tensorBytes: 100)
    settings.tensors = tensors
    settings.batch = batch
    settings.waitingLimit = waiting
    settings.isCutThrough = cutThrough
    return ObjectSchedule(settings)
  }

  @Test("transfer begins with the first batch, and the model runs when the last one is handed over")
  func cutThrough() {
    var schedule = Self.schedule()
    #expect(schedule.begin(7, byteCount: 100) == nil)
    #expect(schedule.take(7, Self.pieces(0..<3)) == [])
    #expect(
      schedule.take(7, Self.pieces(3..<5)) == [
        .gather(object: 7, tensor: 0, pieces: Self.pieces(0..<4), closes: false)
      ])
    #expect(
      schedule.take(7, Self.pieces(5..<10)) == [
        .gather(object: 7, tensor: 0, pieces: Self.pieces(4..<8), closes: false),
        .gather(object: 7, tensor: 0, pieces: Self.pieces(8..<10), closes: true),
        .run(object: 7, tensor: 0),
      ])
    for _ in 0..<3 { #expect(schedule.transferred(7) == []) }
    #expect(schedule.computed(7) == [])
    #expect(schedule.objects == 0 && schedule.counts.delivered == 1)
  }

  @Test("without cut-through nothing is handed over before the object is whole")
  func storeAndForward() {
    var schedule = Self.schedule(cutThrough: false)
    #expect(schedule.begin(1, byteCount: 80) == nil)
    #expect(schedule.take(1, Self.pieces(0..<7)) == [])
    #expect(
      schedule.take(1, Self.pieces(7..<8)) == [
        .gather(object: 1, tensor: 0, pieces: Self.pieces(0..<4), closes: false),
        .gather(object: 1, tensor: 0, pieces: Self.pieces(4..<8), closes: true),
        .run(object: 1, tensor: 0),
      ])
  }

  @Test(
    "policies that gain nothing from batches hand over what there is",
    arguments: [TransferPolicy.perPacket, .staged, .residentPull])
  func withoutBatches(policy: TransferPolicy) {
    var schedule = Self.schedule(policy)
    #expect(schedule.begin(1, byteCount: 20) == nil)
    #expect(
      schedule.take(1, Self.pieces(0..<1)) == [
        .gather(object: 1, tensor: 0, pieces: Self.pieces(0..<1), closes: false)
      ])
    #expect(
      schedule.take(1, Self.pieces(1..<2)) == [
        .gather(object: 1, tensor: 0, pieces: Self.pieces(1..<2), closes: true), .run(object: 1, tensor: 0),
      ])
  }

  @Test("the next object is gathered into another tensor while the model runs; a third one waits for one")
  func doubleBuffering() {
    var schedule = Self.schedule(.perPacket)
    for object in UInt64(1)...3 { #expect(schedule.begin(object, byteCount: 10) == nil) }
    #expect(schedule.begin(4, byteCount: 10) == .overload)
    #expect(schedule.take(1, Self.pieces(0..<1)).contains(.run(object: 1, tensor: 0)))
    #expect(schedule.take(2, Self.pieces(0..<1)).contains(.run(object: 2, tensor: 1)))
    #expect(schedule.take(3, Self.pieces(0..<1)) == [], "it keeps its pieces")
    #expect(schedule.transferred(1) == [])
    #expect(
      schedule.computed(1) == [
        .gather(object: 3, tensor: 0, pieces: Self.pieces(0..<1), closes: true), .run(object: 3, tensor: 0),
      ])
    #expect(schedule.begin(5, byteCount: 10) == nil)
    #expect(schedule.counts.refused == [.overload: 1])
  }

  @Test("an object is refused at its beginning: too large, empty, there already")
  func refusals() {
    var schedule = Self.schedule()
    #expect(schedule.begin(1, byteCount: 101) == .wrongSize)
    #expect(schedule.begin(1, byteCount: 0) == .wrongSize)
    #expect(schedule.begin(1, byteCount: 100) == nil)
    #expect(schedule.begin(1, byteCount: 100) == .duplicate)
    #expect(schedule.take(2, Self.pieces(0..<2)) == [.release(Self.pieces(0..<2))])
    #expect(schedule.counts.strayPieces == 2)
  }

  @Test("an object that is abandoned gives its pieces back, and its tensor when its transfers are done")
  func abandoned() {
    var schedule = Self.schedule(tensors: 1)
    #expect(schedule.begin(1, byteCount: 100) == nil)
    #expect(schedule.begin(2, byteCount: 10) == nil)
    _ = schedule.take(2, Self.pieces(0..<1))
    #expect(schedule.take(1, Self.pieces(0..<4)).count == 1)
    _ = schedule.take(1, Self.pieces(4..<6))
    #expect(schedule.abandon(1) == [.release(Self.pieces(4..<6))])
    #expect(schedule.take(1, Self.pieces(6..<7)) == [.release(Self.pieces(6..<7))])
    #expect(
      schedule.transferred(1) == [
        .gather(object: 2, tensor: 0, pieces: Self.pieces(0..<1), closes: true), .run(object: 2, tensor: 0),
      ])
    #expect(schedule.abandon(2) == [], "it is whole, and is delivered")
    #expect(schedule.counts.abandoned == 1)
  }

  @Test("an object that gets more bytes than it has is given up: nobody can tell which are true")
  func overrun() {
    var schedule = Self.schedule()
    #expect(schedule.begin(1, byteCount: 25) == nil)
    #expect(schedule.take(1, Self.pieces(0..<3)) == [.release(Self.pieces(0..<3))])
    #expect(schedule.objects == 0 && schedule.counts.abandoned == 1 && schedule.counts.delivered == 0)
  }

  @Test("settings that cannot be are refused")
  func settings() {
    var settings = ObjectSchedule.Settings(policy: .pull, tensorBytes: 10)
    #expect(throws: Never.self) { try settings.check() }
    settings.tensors = 0
    #expect(throws: AcceleratorError.self) { try settings.check() }
    settings.tensors = 2
    settings.batch = 513
    #expect(throws: AcceleratorError.self) { try settings.check() }
    settings.batch = 1
    settings.waitingLimit = -1
    #expect(throws: AcceleratorError.self) { try settings.check() }
    settings = ObjectSchedule.Settings(policy: .pull, tensorBytes: 0)
    #expect(throws: AcceleratorError.self) { try settings.check() }
  }

  @Test(
    "any order of events keeps each piece and each tensor to one owner", arguments: TransferPolicy.allCases)
  func anyOrder(policy: TransferPolicy) {
    var course = ScheduleCourse(
      Self.schedule(policy, tensors: 3, batch: 3, waiting: 2), seed: 1_341)
    for step in 0..<6_000 { course.step(mayBegin: step < 5_000) }
    course.finish()
    let counts = course.schedule.counts
    #expect(course.breaches.isEmpty, "\(course.breaches.prefix(3)), seed 1341")
    #expect(course.schedule.objects == 0 && course.taken == course.gone, "seed 1341")
    #expect(counts.delivered > 100 && counts.abandoned > 10)
    #expect(counts.begun == counts.delivered + counts.abandoned)
  }
}

/// A schedule under random events, with what must hold of it: each piece is handed over or given back once, a
/// tensor has one object at a time.
private struct ScheduleCourse {
  var schedule: ObjectSchedule
  var breaches: [String] = []
  var taken = 0
  var gone = 0
  private var generator: SeededGenerator
  private var left: [UInt64: [PayloadPiece]] = [:]
  private var owner: [Int: UInt64] = [:]
  private var transfers: [UInt64] = []
  private var runs: [UInt64] = []
  private var next: UInt64 = 0

  init(_ schedule: ObjectSchedule, seed: UInt64) {
    self.schedule = schedule
    generator = SeededGenerator(seed: seed)
  }

  private mutating func note(_ actions: [ObjectSchedule.Action], after finished: UInt64? = nil) {
    if let finished, !schedule.holds(finished) { owner = owner.filter { $0.value != finished } }
    for action in actions {
      switch action {
      case .release(let pieces): gone += pieces.count
      case .gather(let object, let tensor, let pieces, _):
        gone += pieces.count
        transfers.append(object)
        if owner[tensor, default: object] != object { breaches.append("tensor \(tensor) has two objects") }
        owner[tensor] = object
      case .run(let object, let tensor):
        if owner[tensor] != object { breaches.append("\(object) runs on another's tensor") }
        runs.append(object)
      }
    }
  }

  mutating func step(mayBegin: Bool) {
    switch generator.unit() {
    case ..<0.2 where mayBegin: begin()
    case ..<0.6: take()
    case ..<0.63: if let object = someObject() { abandon(object) }
    case ..<0.85 where !transfers.isEmpty: transfer()
    default:
      // As on the device, a model runs when its object is there; now and then that is seen late.
      if let object = runs.first, !transfers.contains(object) || generator.chance(0.1) { compute() }
    }
  }

  private mutating func begin() {
    next += 1
    let count = Int.random(in: 1...10, using: &generator)
    guard schedule.begin(next, byteCount: count * 10) == nil else { return }
    left[next] = ObjectScheduleTests.pieces(0..<count).shuffled(using: &generator)
  }

  private mutating func someObject() -> UInt64? { left.keys.sorted().randomElement(using: &generator) }

  private mutating func take() {
    guard let object = someObject(), var pieces = left[object] else { return }
    let some = Array(pieces.prefix(Int.random(in: 1...4, using: &generator)))
    pieces.removeFirst(some.count)
    left[object] = pieces.isEmpty ? nil : pieces
    taken += some.count
    note(schedule.take(object, some))
  }

  private mutating func abandon(_ object: UInt64) {
    left[object] = nil
    note(schedule.abandon(object), after: object)
  }

  private mutating func transfer() {
    let object = transfers.removeFirst()
    note(schedule.transferred(object), after: object)
  }

  private mutating func compute() {
    let object = runs.removeFirst()
    note(schedule.computed(object), after: object)
  }

  /// Until nothing is under way.
  mutating func finish() {
    while !transfers.isEmpty || !runs.isEmpty || !left.isEmpty {
      if !transfers.isEmpty {
        transfer()
      } else if !runs.isEmpty {
        compute()
      } else if let object = someObject() {
        abandon(object)
      }
    }
  }
}
