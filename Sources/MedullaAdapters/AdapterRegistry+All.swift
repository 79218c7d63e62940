import MedullaAdaptation
import MedullaClassificationAdapter
import MedullaCongestionAdapter

extension AdapterRegistry {
  /// Every kind of adapter of this version: the one place where an adapter is registered.
  package static let all = AdapterRegistry(common + [CongestionAdapterFactory(), LabelsAdapterFactory()])
}
