import CHost
import Foundation
import Glibc

/// The network namespaces that this process can enter.
package enum NetworkNamespaces {
  /// Runs `body` with the calling thread in the namespace whose file is `path`.
  ///
  /// - Throws: when it cannot enter, and what `body` throws, when the thread is back in its own.
  package static func inside<Value>(
    _ path: String, _ body: () throws(KernelError) -> Value
  ) throws(KernelError) -> Value {
    let own = medulla_current_network_namespace()
    guard own >= 0 else { throw .system("open the own network namespace", number: own) }
    let home = Descriptor(owning: own)
    let status = medulla_enter_network_namespace(path)
    guard status == 0 else { throw .system("enter the network namespace \(path)", number: status) }
    let outcome: Result<Value, KernelError>
    do throws(KernelError) {
      outcome = .success(try body())
    } catch {
      outcome = .failure(error)
    }
    let back = medulla_enter_network_namespace_of(home.number)
    guard back == 0 else { throw .system("return to the own network namespace", number: back) }
    return try outcome.get()
  }

  /// Runs `body` in the calling thread's own namespace, then in each other one that a name of `ip netns` or a
  /// process holds, once. Namespaces that may not be entered are left out; without CAP_SYS_ADMIN all others
  /// are.
  ///
  /// - Throws: what `body` throws, when the thread is back in its own.
  static func each(_ body: () throws(KernelError) -> Void) throws(KernelError) {
    try body()
    let own = medulla_current_network_namespace()
    guard own >= 0 else { return }
    let home = Descriptor(owning: own)
    var seen: Set<UInt64> = [inode(of: "/proc/thread-self/ns/net") ?? 0]
    for path in paths() {
      guard let inode = inode(of: path), seen.insert(inode).inserted,
        medulla_enter_network_namespace(path) == 0
      else { continue }
      var failure: KernelError?
      do {
        try body()
      } catch {
        failure = error
      }
      let status = medulla_enter_network_namespace_of(home.number)
      guard status == 0 else { throw .system("return to the own network namespace", number: status) }
      if let failure { throw failure }
    }
  }

  private static func paths() -> [String] {
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: "/run/netns")) ?? []
    let processes = (try? manager.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.map { "/run/netns/" + $0 }
      + processes.filter { Int32($0) != nil }.map { "/proc/\($0)/ns/net" }
  }

  private static func inode(of path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }
}
