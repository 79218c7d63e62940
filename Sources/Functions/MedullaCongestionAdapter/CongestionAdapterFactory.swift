import MedullaAdaptation
import MedullaLearning

/// Learning in the simulator, for networks of a congestion controller's sizes: 30 features, 1 action.
package struct CongestionAdapterFactory: AdapterFactory {
  package let name = "simulator"

  package init() {}

  package func accepts(_ order: AdapterOrder) -> Bool {
    order.network.inputShape.count == AuroraObservation.features && order.network.outputShape.count == 1
  }

  package func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .simulator(let settings) = order.settings else { throw order.isOfAnotherKind(than: name) }
    return try CongestionAdapter(network: order.network, settings: settings)
  }
}
