import Foundation
import Logging
import MedullaAdaptation
import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// The network that a function's loop goes on from.
struct StartingPoint {
  /// Where it came from.
  enum Origin: Equatable {
    /// Nothing was attached: the bundle was, now.
    case attached
    /// What was attached runs the bundle's snapshot.
    case bundle
    /// What was attached runs a snapshot of which the network was kept.
    case kept
    /// What was attached runs a snapshot that nobody kept: the bundle's network is where learning begins.
    case unknown
  }

  let origin: Origin
  let network: StartNetwork
  /// Of the active snapshot, in hexadecimal.
  let digest: String
  /// Of the active snapshot, counted up by the instance.
  let version: UInt64
}

/// Brings a function into the kernel, or takes over what is there.
struct FunctionLoader {
  let snapshots: SnapshotKeeper
  let log: Logger

  /// Attaches the bundle, or goes on with what is attached under the function's name.
  func load(_ settings: FunctionSettings) throws -> FunctionHost.Loaded {
    let bundle = try SnapshotBundle.open(settings.bundle)
    let active: String
    let version: UInt64
    let isNew: Bool
    if let status = try attachedStatus(settings.name) {
      guard FunctionList.all[settings.function]?.name == status.function else {
        throw ControlError(
          .refused, "\(settings.name) is attached as another function, \(status.function)",
          remedy: "`medulla detach \(settings.name)` ends it, or choose another name")
      }
      active = status.slots.first { $0.state == .active }?.digest ?? ""
      isNew = false
      version = status.slots.first { $0.state == .active }?.version ?? 0
      log.notice("\(settings.name): took over snapshot \(version) (\(active.prefix(12)))")
    } else {
      try attach(settings, bundle)
      active = bundle.file.digest
      version = try attachedStatus(settings.name)?.slots.first { $0.state == .active }?.version ?? 0
      isNew = true
      log.notice("\(settings.name): attached \(settings.bundle) (\(active.prefix(12)))")
    }
    try settings.apply()
    return FunctionHost.Loaded(
      bundle: bundle, start: try start(bundle, active: (active, version), isNew: isNew, settings))
  }

  /// Whether there is a network behind what is active.
  func knowsNetwork(of settings: FunctionSettings) throws -> Bool {
    let bundle = try SnapshotBundle.open(settings.bundle)
    let active = try attachedStatus(settings.name)?.slots.first { $0.state == .active }?.digest ?? ""
    if active == bundle.file.digest { return true }
    let samples = try StartNetwork(bundle: bundle).calibration.samples
    return snapshots.start(digest: active, samples: samples) != nil
  }

  private func attach(_ settings: FunctionSettings, _ bundle: SnapshotBundle) throws {
    let snapshot = try DatapathSnapshot(bundle)
    let narrate: (String) -> Void = { log.info("\(settings.name): \($0)") }
    let function = try FunctionList.all.function(named: settings.function).init(values: settings.values)
    try Instance(settings.name).attach(
      function, snapshot, settings: InstanceSettings(flowLimit: settings.flowLimit), narrate: narrate)
  }

  private func attachedStatus(_ name: String) throws -> InstanceStatus? {
    do {
      return try Instance(name).status()
    } catch let error as DatapathError where error.code == .notAttached {
      return nil
    }
  }

  private func start(
    _ bundle: SnapshotBundle, active: (digest: String, version: UInt64), isNew: Bool,
    _ settings: FunctionSettings
  ) throws -> StartingPoint {
    let own = try StartNetwork(bundle: bundle)
    func point(_ origin: StartingPoint.Origin, _ network: StartNetwork) -> StartingPoint {
      StartingPoint(origin: origin, network: network, digest: active.digest, version: active.version)
    }
    if active.digest == bundle.file.digest { return point(isNew ? .attached : .bundle, own) }
    let short = active.digest.prefix(12)
    if let network = snapshots.start(digest: active.digest, samples: own.calibration.samples) {
      log.info("\(settings.name): learning goes on from the network that was kept of \(short)")
      return point(.kept, network)
    }
    log.warning(
      "\(settings.name): no network was kept of snapshot \(short); learning begins with the bundle's")
    return point(.unknown, own)
  }
}
