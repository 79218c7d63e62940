/// Where a fabric's switches do their work.
package enum FabricDatapath: String, Sendable, Codable, CaseIterable {
  /// XDP programs over an arena: Linux 6.10 and newer.
  case kernel
  /// Threads of the process that started the fabric, over packet sockets: any kernel, and a system call for
  /// each cell.
  case userspace
}
