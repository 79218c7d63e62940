import MedullaAdaptation
import MedullaLearning

/// Learning in the simulator, for networks of a congestion controller's sizes: 30 features, 1 action.
package struct CongestionAdapterFactory: AdapterFactory {
  package let name = "simulator"

  package init() {}

  package func refusal(of order: AdapterOrder) -> String? {
    let (inputs, outputs) = (order.network.inputShape.count, order.network.outputShape.count)
    guard inputs != AuroraObservation.features || outputs != 1 else { return nil }
    return "network \(order.network.name) takes \(inputs) values to \(outputs), a policy of the simulator "
      + "\(AuroraObservation.features) to 1"
  }

  package func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .simulator(let settings) = order.settings else { throw order.isOfAnotherKind(than: name) }
    return try CongestionAdapter(network: order.network, settings: settings)
  }
}
