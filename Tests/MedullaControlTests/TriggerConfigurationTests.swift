import MedullaAdaptation
import Testing

@testable import MedullaControl

@Suite("A function's trigger in the configuration")
struct TriggerConfigurationTests {
  private static func read(_ trigger: String) throws -> FunctionSettings? {
    let text = "function: [{ name: a, bundle: /b, trigger: { \(trigger) } }]"
    return try Configuration(text: text).functions.first
  }

  @Test(
    "each kind arrives with its keys",
    arguments: [
      ("kind: every_batch", .init()),
      (
        "kind: schedule, every: 1h, rounds: 7", .init(.schedule(every: .seconds(3_600)), rounds: 7)
      ),
      ("kind: drift", .init(.drift(.init()))),
      (
        "kind: drift, threshold: 0.1, window: 600, rounds: 9",
        .init(.drift(.init(threshold: 0.1, window: 600)), rounds: 9)
      ),
      ("kind: proxy, threshold: 0.9", .init(.proxy(.init(threshold: 0.9)))),
      (
        "kind: proxy, threshold: 2, hysteresis: 0.5, bad: above",
        .init(.proxy(.init(threshold: 2, hysteresis: 0.5, isBadBelow: false)))
      ),
    ] as [(String, TriggerSettings)])
  func kinds(text: String, settings: TriggerSettings) throws {
    #expect(try Self.read(text)?.trigger == settings)
  }

  @Test(
    "what is missing, of another kind or out of range is named",
    arguments: [
      ("kind: drifting", "kind"), ("kind: schedule", "every"), ("kind: proxy", "threshold"),
      ("kind: drift, window: 10", "window"),
      ("kind: schedule, every: 1h, window: 600", "window"),
      ("kind: proxy, threshold: 1, rounds: 5", "rounds"), ("rounds: 5", "rounds"),
    ])
  func refusals(text: String, key: String) {
    let error = #expect(throws: ControlError.self) { try Self.read(text) }
    #expect(error?.message.contains("function.trigger") == true)
    #expect(error?.message.contains(key) == true)
  }
}
