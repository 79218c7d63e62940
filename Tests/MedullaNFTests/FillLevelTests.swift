import MedullaNF
import Testing

@Suite("How many free frames lie ready for the kernel")
struct FillLevelTests {
  private static let most = 4_096

  /// Intervals in which the kernel takes so many frames, so many between two looks.
  private static func run(_ level: inout FillLevel, _ intervals: Int, taking frames: Int, by step: Int) {
    var ready = level.target
    for _ in 0..<intervals {
      for _ in 0..<frames / step {
        ready -= min(step, ready)
        let count = level.wanted(ready: ready)
        level.gave(count)
        ready += count
      }
      level.adapt()
    }
  }

  @Test("a ring at rest is full, and stays so under a light load")
  func rest() {
    var level = FillLevel(most: Self.most)
    #expect(level.target == Self.most && level.wanted(ready: 0) == Self.most)
    Self.run(&level, 50, taking: 2_000, by: 50)
    #expect(level.target == Self.most)
  }

  @Test("under load no more lie ready than a host that comes often needs, and at rest all do again")
  func load() {
    var level = FillLevel(most: Self.most)
    Self.run(&level, 20, taking: 6_400, by: 64)
    #expect(level.target == FillLevel.least)
    Self.run(&level, 1, taking: 640, by: 64)
    #expect(level.target == Self.most)
  }

  @Test("a host that comes seldom finds more ready, before the kernel has none")
  func seldom() {
    var level = FillLevel(most: Self.most)
    Self.run(&level, 20, taking: 6_400, by: 64)
    Self.run(&level, 1, taking: 6_400, by: 400)
    #expect(level.target == 1_024)
    // As many as that half of them is taken at once.
    Self.run(&level, 20, taking: 12_800, by: 800)
    #expect(level.target == 1_536)
  }

  @Test("a small ring is always full")
  func small() {
    var level = FillLevel(most: 256)
    Self.run(&level, 20, taking: 6_400, by: 16)
    #expect(level.target == 256)
  }
}
