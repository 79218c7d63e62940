import Glibc

extension BPFFileSystem {
  /// Where this process and the first one around it see their files.
  struct MountView: Equatable {
    struct File: Equatable {
      let device: UInt64
      let number: UInt64
    }

    /// The mount namespaces of this process and of the first one around it; nil: it may not be known.
    var own: File?
    var first: File?
    /// What is at the mount point, as each of them sees it; nil: nothing, or it may not be known.
    var here: File?
    var there: File?

    /// Whether what this process pins is seen by nobody outside, and gone with its mount namespace, as
    /// `ip netns exec` makes one for each command.
    var hidesPins: Bool {
      guard let own, let first, own != first else { return false }
      return here != there
    }

    static var now: MountView {
      let first = firstProcess
      return MountView(
        own: file("/proc/self/ns/mnt"), first: file("/proc/\(first)/ns/mnt"), here: file(mountPoint),
        there: file("/proc/\(first)/root" + mountPoint))
    }

    /// Process 1 of the machine or the container. Where it may not be looked at, as in a container with fewer
    /// rights than its first process, the ancestor next to it: the shell that ran `ip netns exec` is one.
    private static var firstProcess: pid_t {
      if file("/proc/1/ns/mnt") != nil { return 1 }
      var found = getpid()
      var process = getppid()
      for _ in 0..<ancestorLimit where process > 1 {
        if file("/proc/\(process)/ns/mnt") != nil { found = process }
        process = parent(of: process)
      }
      return found
    }

    /// Ancestors that are looked at; shells and services have a few.
    private static let ancestorLimit = 64

    /// 0 when it cannot be read. The name before the field may hold anything, a parenthesis too.
    private static func parent(of process: pid_t) -> pid_t {
      guard let file = fopen("/proc/\(process)/stat", "re") else { return 0 }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1_024)
      let count = fread(&bytes, 1, bytes.count, file)
      let text = String(decoding: bytes[..<count], as: UTF8.self)
      let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
      return fields.count > 2 ? pid_t(fields[2]) ?? 0 : 0
    }

    private static func file(_ path: String) -> File? {
      var facts = stat()
      guard stat(path, &facts) == 0 else { return nil }
      return File(device: UInt64(facts.st_dev), number: UInt64(facts.st_ino))
    }
  }

  /// - Throws: `wrongNamespace` with the command that works when pins of this process are nobody else's.
  package static func checkShared() throws(KernelError) {
    guard MountView.now.hidesPins else { return }
    let named = networkNamespace.map { "nsenter --net=/run/netns/\($0) medulla …" }
    throw KernelError(
      .wrongNamespace,
      "\(mountPoint) is this command's own: pins end with it, and what is attached is not seen",
      cause: "it runs in a mount namespace of its own, such as `ip netns exec` makes",
      remedy: "enter the network namespace alone: `\(named ?? "nsenter --net=FILE medulla …")`")
  }

  /// The name by which `ip netns` knows this process's network namespace.
  private static var networkNamespace: String? {
    var own = stat()
    guard stat("/proc/self/ns/net", &own) == 0 else { return nil }
    return contents(of: "/run/netns").first { name in
      var other = stat()
      return stat("/run/netns/" + name, &other) == 0 && other.st_ino == own.st_ino
        && other.st_dev == own.st_dev
    }
  }
}
