import MedullaAdaptation
import MedullaCongestion
import MedullaLearning

/// Learning in the simulator, for networks of a congestion controller's sizes.
package struct CongestionAdapterFactory: AdapterFactory {
  package let name = "simulator"

  package init() {}

  package func refusal(of order: AdapterOrder) -> String? {
    let (inputs, outputs) = (order.network.inputShape.count, order.network.outputShape.count)
    guard !CongestionControl.sizes.accepts(inputs: inputs, outputs: outputs) else { return nil }
    return "network \(order.network.name) takes \(inputs) values to \(outputs), a policy of the simulator "
      + CongestionControl.sizes.inputs.map(String.init).joined(separator: " or ") + " to 1 or 2"
  }

  package func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .simulator(let settings) = order.settings else { throw order.isOfAnotherKind(than: name) }
    return try CongestionAdapter(network: order.network, settings: settings)
  }
}
