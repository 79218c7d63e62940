import CMedullaFabric
import Foundation
import Glibc
import MedullaKernel
import Synchronization

/// The threads of a fabric whose switches are in user space: one for each, until it is stopped.
final class UserspaceServer {
  /// What threads share with who started them; the word is read and written as C does it, in one piece.
  private final class Progress: @unchecked Sendable {
    struct State {
      var running = 0
      var failure: FabricError?
    }

    let state = Mutex(State())
    private let isOver: UnsafeMutablePointer<UInt32>

    init() {
      isOver = .allocate(capacity: 1)
      isOver.initialize(to: 0)
    }

    deinit { isOver.deallocate() }

    func stop() { fabric_stop_serving(isOver) }

    func serve(_ station: Station) -> Int32 {
      fabric_serve(station.memory, UInt32(station.bytes), station.sockets, isOver)
    }
  }

  /// A switch's ports, which a thread takes over.
  private struct Station: Sendable {
    let name: String
    let memory: UInt64
    let bytes: Int
    let sockets: [Int32]
  }

  private let progress = Progress()
  private let lock: FileLock
  private let path: String
  private let stamp: FileStamp?

  /// Takes the fabric's lock, so that others can see that its switches work.
  init(_ fabric: RunningFabric) throws(FabricError) {
    lock = try onKernel { () throws(KernelError) in
      try FileLock(path: fabric.names.serverLock, patience: .zero)
    }
    path = fabric.names.serverLock
    stamp = FileStamp(path)
    var stations: [Station] = []
    do throws(FabricError) {
      for node in fabric.wiring.topology.switches {
        stations.append(try Self.station(node.name, fabric))
      }
    } catch {
      for number in stations.flatMap(\.sockets) where number >= 0 { close(number) }
      throw error
    }
    for station in stations { start(station) }
  }

  deinit { stop() }

  private static func station(_ name: String, _ fabric: RunningFabric) throws(FabricError) -> Station {
    guard let node = fabric.switches[name] else { throw FabricError(.badInput, "there is no switch \(name)") }
    var sockets = [Int32](repeating: -1, count: Int(FABRIC_PORTS))
    do throws(FabricError) {
      try onKernel { () throws(KernelError) in
        try NetworkNamespaces.inside(FabricNames.path(ofNamespace: fabric.names.namespace(name))) {
          () throws(KernelError) in
          for port in fabric.wiring.ports[name] ?? [] {
            let number = fabric_open_port(port.interface)
            guard number >= 0 else {
              throw .system("open a socket at \(port.interface) of \(name)", number: number)
            }
            sockets[port.number] = number
          }
        }
      }
    } catch {
      for number in sockets where number >= 0 { close(number) }
      throw error
    }
    return Station(
      name: name, memory: node.memory.address(0), bytes: fabric.state.cells.bytes, sockets: sockets)
  }

  private func start(_ station: Station) {
    let progress = progress
    progress.state.withLock { $0.running += 1 }
    let thread = Thread {
      let status = progress.serve(station)
      for number in station.sockets where number >= 0 { close(number) }
      progress.state.withLock { state in
        state.running -= 1
        if status < 0 {
          state.failure = FabricError(KernelError.system("serve the switch \(station.name)", number: status))
        }
      }
    }
    thread.name = station.name
    thread.start()
  }

  /// Whether the fabric's lock is still the file that this one holds: else it was taken down, and may be
  /// there anew.
  var isCurrent: Bool { stamp == FileStamp(path) }

  /// Why a switch has ended by itself; nil: none has.
  var failure: FabricError? { progress.state.withLock { $0.failure } }

  /// Ends all switches, and waits until they have.
  func stop() {
    progress.stop()
    while progress.state.withLock({ $0.running }) > 0 { usleep(1_000) }
  }
}
