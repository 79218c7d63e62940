import MedullaBase

/// A bounded memory of what was seen. When it is full a new element takes a random one's place, so the past
/// fades exponentially, with a mean life of `capacity` additions, and is never forgotten at once.
package struct ExperienceReplay<Element: Sendable>: Sendable {
  package let capacity: Int
  package private(set) var elements: [Element] = []
  private var generator: SeededGenerator

  package init(capacity: Int, seed: UInt64) {
    self.capacity = max(capacity, 1)
    generator = SeededGenerator(seed: seed)
  }

  package var count: Int { elements.count }

  package mutating func add(_ element: Element) {
    guard elements.count == capacity else { return elements.append(element) }
    elements[Int.random(in: 0..<capacity, using: &generator)] = element
  }

  /// So many elements, drawn with replacement; none when the memory is empty.
  package mutating func draw(_ count: Int) -> [Element] {
    guard !elements.isEmpty else { return [] }
    return (0..<count).map { _ in elements[Int.random(in: 0..<elements.count, using: &generator)] }
  }
}
