/// The streams that are known: the configured ones, and those that have objects by the profile for any
/// others.
struct StreamTable {
  private struct State {
    var stream: UInt32 = 0
    /// -1: free.
    var profile: Int32 = -1
    var objects: Int32 = 0
    var next: Int32 = -1
  }

  /// By profile: the last is for streams that are not configured, if there is one.
  let profiles: [StreamProfile]
  private let hasOthers: Bool
  private let configured: Int
  private var states: ContiguousArray<State>
  private var numbers: KeyTable<StreamNumber>
  private var free: Int32 = -1

  /// - Parameter slots: objects at a time, and so streams that are not configured.
  init(_ streams: [UInt32: StreamProfile], others: StreamProfile?, slots: Int, seed: UInt64) {
    let known = streams.sorted { $0.key < $1.key }
    // Streams with one profile share a list of deadlines.
    var profiles: [StreamProfile] = []
    var places: [StreamProfile: Int] = [:]
    for (_, profile) in known where places[profile] == nil {
      places[profile] = profiles.count
      profiles.append(profile)
    }
    if let others { profiles.append(others) }
    self.profiles = profiles
    hasOthers = others != nil
    configured = known.count
    states = ContiguousArray(repeating: State(), count: known.count + (others == nil ? 0 : slots))
    numbers = KeyTable(count: states.count, seed: seed, filler: StreamNumber(stream: 0))
    for (place, (stream, profile)) in known.enumerated() {
      states[place] = State(stream: stream, profile: Int32(places[profile] ?? 0))
      numbers.set(StreamNumber(stream: stream), place)
    }
    for place in (known.count..<states.count).reversed() {
      states[place].next = free
      free = Int32(place)
    }
  }

  var storageBytes: Int { numbers.storageBytes + states.capacity * MemoryLayout<State>.stride }

  /// The stream's profile; nil: none is configured for it.
  func profile(of stream: UInt32) -> Int? {
    let place = numbers.number(of: StreamNumber(stream: stream))
    if place >= 0 { return Int(states[place].profile) }
    return hasOthers ? profiles.count - 1 : nil
  }

  /// Whether the stream has as many objects as it may.
  func isFull(_ stream: UInt32, profile: Int) -> Bool {
    let place = numbers.number(of: StreamNumber(stream: stream))
    return place >= 0 && Int(states[place].objects) >= profiles[profile].objectLimit
  }

  /// An object of the stream begins in a slot of its own; gives the stream's place.
  mutating func begin(_ stream: UInt32, profile: Int) -> Int32 {
    var place = numbers.number(of: StreamNumber(stream: stream))
    if place < 0 {
      // There are as many places as slots, and an object has one of each.
      place = Int(free)
      free = states[place].next
      states[place] = State(stream: stream, profile: Int32(profile))
      numbers.set(StreamNumber(stream: stream), place)
    }
    states[place].objects += 1
    return Int32(place)
  }

  func profile(at place: Int32) -> Int { Int(states[Int(place)].profile) }

  mutating func end(at place: Int32) {
    let place = Int(place)
    states[place].objects -= 1
    guard place >= configured, states[place].objects == 0 else { return }
    numbers.remove(StreamNumber(stream: states[place].stream))
    states[place] = State(next: free)
    free = Int32(place)
  }
}
