import Logging
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaAdaptation

@Suite("The kinds of adapters")
struct AdapterRegistryTests {
  /// A kind that only this test knows, for networks of one input.
  private struct Toy: AdapterFactory {
    let name = "simulator"

    func refusal(of order: AdapterOrder) -> String? {
      order.network.inputShape.count == 1 ? nil : "it takes one input"
    }
    func make(_ order: AdapterOrder) throws -> any Adapter { ScriptedAdapter(order.network) }
  }

  private func order(_ settings: AdapterSettings, inputs: Int = 2) throws -> AdapterOrder {
    let network = try LearningCases.network([inputs, 4, 1])
    let samples = (0..<8).map { row in (0..<inputs).map { Float(row - 4) / Float($0 + 4) } }
    let snapshot = try Quantizer().quantize(network, Calibration(samples: samples))
    return AdapterOrder(
      settings: settings, function: "f",
      start: try StartNetwork(network: network, samples: samples, shape: snapshot.shape),
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test("each kind of the settings is made by its own factory, and `none` by nobody")
  func kinds() throws {
    let registry = AdapterRegistry(AdapterRegistry.common)
    #expect(try registry.adapter(order(.none)) == nil)
    #expect(try registry.adapter(order(.supervised(.init()))) is SupervisedAdapter)
    let isolation = ProcessIsolation(user: ProcessPeer.user)
    let python = AdapterSettings.Python(className: "a:B", isolation: isolation)
    #expect(try registry.adapter(order(.python(python))) is ProcessAdapter)
    let command = AdapterSettings.Command(arguments: ["true"], isolation: isolation)
    #expect(try registry.adapter(order(.command(command))) is ProcessAdapter)
  }

  @Test("a function's own adapter joins by its factory, and is asked whether it can learn from the function")
  func own() throws {
    let registry = AdapterRegistry(AdapterRegistry.common + [Toy()])
    #expect(try registry.adapter(order(.simulator(.init()), inputs: 1)) is ScriptedAdapter)
    let refused = #expect(throws: AdaptationError.self) {
      try registry.adapter(order(.simulator(.init()), inputs: 2))
    }
    #expect(refused?.message.contains("it takes one input") == true)
    let unknown = #expect(throws: AdaptationError.self) {
      try AdapterRegistry(AdapterRegistry.common).adapter(order(.simulator(.init())))
    }
    #expect(unknown?.remedy.contains("command, python, supervised") == true)
  }
}
