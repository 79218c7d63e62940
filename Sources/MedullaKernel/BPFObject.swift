import CLibBPF
import Glibc

/// A compiled eBPF object: opened from its bytes, then loaded into the kernel.
///
/// Maps and programs that are taken out of it live on by their own descriptors after it is closed.
package final class BPFObject {
  package let name: String
  private let object: OpaquePointer
  private let byteCount: Int
  private(set) package var isLoaded = false

  /// Reads the ELF object; nothing reaches the kernel before `load()`.
  package init(bytes: [UInt8], name: String) throws(KernelError) {
    let (opened, log) = LibBPFLog.capture { medulla_open_object(bytes, bytes.count, name) }
    guard let opened else {
      throw KernelError(
        .invalid, "open object \(name)", cause: Self.lastLine(log) ?? String(cString: strerror(errno)),
        remedy: "the file is not an eBPF object of this version; compile the bundle again")
    }
    self.name = name
    object = opened
    byteCount = bytes.count
  }

  deinit { bpf_object__close(object) }

  /// Leaves a program out; it is then not loaded.
  package func leaveOut(program name: String) throws(KernelError) {
    let status = bpf_program__set_autoload(try program(named: name), false)
    guard status == 0 else { throw .system("leave out program \(name)", number: status) }
  }

  /// Whether an XDP program takes packets of several buffers: it stands in `SEC("xdp.frags")`.
  package func takesFragments(program name: String) throws(KernelError) -> Bool {
    String(cString: bpf_program__section_name(try program(named: name))).hasPrefix("xdp.frags")
  }

  /// Has an XDP program take packets of several buffers; before loading.
  package func takeFragments(program name: String) throws(KernelError) {
    let program = try program(named: name)
    let status = bpf_program__set_flags(program, bpf_program__flags(program) | UInt32(BPF_F_XDP_HAS_FRAGS))
    guard status == 0 else { throw .system("set the flags of program \(name)", number: status) }
  }

  /// Uses a map that exists instead of making one.
  package func reuse(_ map: BPFMap, as name: String) throws(KernelError) {
    let status = bpf_map__reuse_fd(try self.map(named: name), map.descriptor.number)
    guard status == 0 else { throw .system("reuse map \(name)", number: status) }
  }

  /// Sets how many entries a map will have, or how many bytes a ring; before loading.
  package func setEntries(of name: String, to count: Int) throws(KernelError) {
    guard let entries = UInt32(exactly: count) else {
      throw KernelError(.invalid, "map \(name): \(count) entries do not fit 32 bits")
    }
    let status = bpf_map__set_max_entries(try map(named: name), entries)
    guard status == 0 else { throw .system("set the size of map \(name)", number: status) }
  }

  /// Gives a map's own setting a value, before loading: of an arena, where user space has it.
  package func setExtra(of name: String, to value: UInt64) throws(KernelError) {
    let status = bpf_map__set_map_extra(try map(named: name), value)
    guard status == 0 else { throw .system("set the place of map \(name)", number: status) }
  }

  /// How many entries a map will have, or has when it is one that exists.
  package func entries(of name: String) throws(KernelError) -> UInt32 {
    bpf_map__max_entries(try map(named: name))
  }

  /// Verifies every program and makes every map.
  package func load() throws(KernelError) {
    try chooseIterators()
    let (status, log) = LibBPFLog.capture { bpf_object__load(object) }
    guard status == 0 else { throw Self.loadError(name: name, status: status, log: log) }
    isLoaded = true
  }

  /// Of iterators over sockets' memory and over TCP's sockets an object may have both, which do the same:
  /// those that this kernel refuses, or that are not needed, are left out.
  private func chooseIterators() throws(KernelError) {
    let sections = programNames.map { name in
      (name, (try? program(named: name)).map { String(cString: bpf_program__section_name($0)) } ?? "")
    }
    guard sections.contains(where: { $0.1 == Self.socketSection }) else { return }
    let unused = Self.allowsSocketStorage ? Self.socketSection : Self.storageSection
    for (name, section) in sections where section == unused { try leaveOut(program: name) }
  }

  private static let socketSection = "iter/tcp"
  private static let storageSection = "iter/bpf_sk_storage_map"
  private static let allowsSocketStorage = medulla_allows_socket_storage_iterator() != 0

  /// The map of that name, once loaded.
  package func loadedMap(_ name: String) throws(KernelError) -> BPFMap {
    let number = bpf_map__fd(try map(named: name))
    guard number >= 0 else { throw KernelError(.invalid, "map \(name) of \(self.name) is not loaded") }
    return try BPFMap(owning: .duplicate(number, of: name), described: name)
  }

  /// The program of that name, once loaded.
  package func loadedProgram(_ name: String) throws(KernelError) -> BPFProgram {
    let number = bpf_program__fd(try program(named: name))
    guard number >= 0 else { throw KernelError(.invalid, "program \(name) of \(self.name) is not loaded") }
    return try BPFProgram(owning: .duplicate(number, of: name), name: name)
  }

  /// The names of all programs that are not left out, in the object's order.
  package var programNames: [String] {
    var names: [String] = []
    var program = bpf_object__next_program(object, nil)
    while let current = program {
      if bpf_program__autoload(current) { names.append(String(cString: bpf_program__name(current))) }
      program = bpf_object__next_program(object, current)
    }
    return names
  }

  /// What the verifier walked through, over all programs that are loaded.
  package var verifiedInstructions: Int {
    get throws(KernelError) {
      var sum = 0
      for name in programNames { sum += try loadedProgram(name).facts().verifiedInstructions }
      return sum
    }
  }

  /// The names of all maps, in the object's order.
  package var mapNames: [String] {
    var names: [String] = []
    var map = bpf_object__next_map(object, nil)
    while let current = map {
      names.append(String(cString: bpf_map__name(current)))
      map = bpf_object__next_map(object, current)
    }
    return names
  }

  /// What the kernel will run a program as.
  package enum ProgramKind: Equatable, Sendable {
    case trafficControl, xdp, other
  }

  package func kind(ofProgram name: String) throws(KernelError) -> ProgramKind {
    switch bpf_program__type(try program(named: name)) {
    case BPF_PROG_TYPE_SCHED_CLS: .trafficControl
    case BPF_PROG_TYPE_XDP: .xdp
    default: .other
    }
  }

  /// The bytes that a map of constants or of variables begins with; nil when the object has no such map.
  package func initialBytes(ofMap name: String) -> [UInt8]? {
    guard let map = bpf_object__find_map_by_name(object, name) else { return nil }
    var size = 0
    guard let value = bpf_map__initial_value(map, &size) else { return nil }
    return Array(UnsafeRawBufferPointer(start: value, count: size))
  }

  /// Gives constants other values, before the object is loaded.
  package func setInitialBytes(_ bytes: [UInt8], ofMap name: String) throws(KernelError) {
    let status = bpf_map__set_initial_value(try map(named: name), bytes, bytes.count)
    guard status == 0 else { throw .system("set the constants \(name)", number: status) }
  }

  /// Attaches a `struct_ops` map (`.struct_ops.link`) and gives its link.
  package func attachStructOps(_ mapName: String) throws(KernelError) -> BPFLink {
    let map = try map(named: mapName)
    let (link, log) = LibBPFLog.capture { bpf_map__attach_struct_ops(map) }
    guard let link else {
      throw .system("attach \(mapName) of \(name)", number: errno, detail: Self.lastLine(log) ?? "")
    }
    defer { bpf_link__destroy(link) }
    return BPFLink(owning: try .duplicate(bpf_link__fd(link), of: mapName))
  }

  /// Makes a `struct_ops` map ready for a link of its name that exists to be pointed at it.
  ///
  /// libbpf writes the map's value only when it attaches the map, and knows it only while the object is open.
  /// Attaching under a name that is taken writes the value and is then refused, which is all that is wanted.
  package func prepareStructOps(_ mapName: String) throws(KernelError) {
    let map = try map(named: mapName)
    let (link, log) = LibBPFLog.capture { bpf_map__attach_struct_ops(map) }
    let number = errno
    if let link {
      bpf_link__destroy(link)
    } else if number != EEXIST {
      throw .system("prepare \(mapName) of \(name)", number: number, detail: Self.lastLine(log) ?? "")
    }
  }

  /// Writes bytes into a member of a `struct_ops` map's value before loading.
  ///
  /// libbpf reads data members (`name`, `flags`) of the value at load, in the object's own layout.
  package func setStructOps(
    _ mapName: String, type: String, member: String, to text: String, capacity: Int
  ) throws(KernelError) {
    let map = try map(named: mapName)
    var size = 0
    guard let value = bpf_map__initial_value(map, &size) else {
      throw KernelError(.invalid, "map \(mapName) of \(name) has no value to set")
    }
    let offset = try memberOffset(of: member, in: type)
    let bytes = Array(text.utf8)
    guard bytes.count < capacity, offset >= 0, offset + capacity <= size else {
      throw KernelError(.invalid, "\(member) of \(mapName): \"\(text)\" is longer than \(capacity - 1) bytes")
    }
    memset(value + offset, 0, capacity)
    bytes.withUnsafeBytes { raw in
      if let base = raw.baseAddress { memcpy(value + offset, base, raw.count) }
    }
  }

  private func memberOffset(of member: String, in type: String) throws(KernelError) -> Int {
    let missing = KernelError(.invalid, "object \(name) has no \(type).\(member) in its BTF")
    guard let btf = bpf_object__btf(object) else { throw missing }
    let identifier = btf__find_by_name_kind(btf, type, UInt32(BTF_KIND_STRUCT))
    guard identifier > 0, let described = btf__type_by_id(btf, UInt32(identifier)) else { throw missing }
    guard let members = btf_members(described) else { throw missing }
    for index in 0..<Int(btf_vlen(described)) {
      guard let label = btf__name_by_offset(btf, members[index].name_off) else { continue }
      if String(cString: label) == member {
        return Int(btf_member_bit_offset(described, UInt32(index))) / 8
      }
    }
    throw missing
  }

  private func map(named name: String) throws(KernelError) -> OpaquePointer {
    guard let map = bpf_object__find_map_by_name(object, name) else {
      throw KernelError(.notFound, "object \(self.name) has no map \(name)")
    }
    return map
  }

  private func program(named name: String) throws(KernelError) -> OpaquePointer {
    guard let program = bpf_object__find_program_by_name(object, name) else {
      throw KernelError(.notFound, "object \(self.name) has no program \(name)")
    }
    return program
  }
}

extension BPFObject {
  /// The reason of a failed load: the verifier's deciding line when there is one.
  ///
  /// - Parameters:
  ///   - path: a file that gets the whole log; nil keeps it only in the error.
  ///   - kernel: the one that refused.
  static func loadError(
    name: String, status: Int32, log: String, keptAt path: String? = VerifierLog.keptPath,
    kernel: KernelVersion? = .running
  ) -> KernelError {
    let verifier = VerifierLog(log)
    guard log.contains("BEGIN PROG LOAD LOG"), let line = verifier.decidingLine else {
      let error = KernelError.system("load \(name)", number: status, detail: lastLine(log) ?? "")
      guard abs(status) == EINVAL else { return error }
      // So a kernel refuses a kind of map, program or attachment, or a flag, that it does not know.
      return KernelError(.missingFeature, error.message, cause: error.cause, remedy: missing(kernel))
    }
    var cause = line
    if let source = verifier.sourceLine { cause += " (at `\(source)`)" }
    if verifier.refusesInstruction {
      return KernelError(
        .missingFeature, "load \(name): this kernel does not know all of its instructions", cause: cause,
        remedy: unknownInstruction(kernel), log: log)
    }
    if let kernel, kernel < .oldestForEverything {
      return KernelError(
        .verifier, "load \(name): the verifier refused it", cause: cause, remedy: missing(kernel), log: log)
    }
    var remedy = "if the network is large, make it smaller; else report this with the whole log "
    if let path {
      do {
        try verifier.write(to: path)
        remedy += "in \(path)"
      } catch {
        remedy += "(it could not be kept: \(error.message): \(error.cause))"
      }
    } else {
      remedy += "(\(VerifierLog.keptPathVariable)=FILE keeps it)"
    }
    return KernelError(
      .verifier, "load \(name): the verifier refused it", cause: cause, remedy: remedy, log: log)
  }

  private static func missing(_ kernel: KernelVersion?) -> String {
    let oldest = KernelVersion.oldestForEverything
    if let kernel, kernel < oldest {
      return "this is Linux \(kernel); \(oldest) or newer has all that is used (`medulla doctor`)"
    }
    return "`medulla doctor` shows what this kernel lacks; if nothing, report this with \(kernelText(kernel))"
  }

  private static func unknownInstruction(_ kernel: KernelVersion?) -> String {
    let oldest = InstructionSet.v4.oldestKernel
    return "the program was compiled for Linux \(oldest) or newer, this is \(kernelText(kernel)): "
      + "`medulla compile MODEL --kernel \(kernel?.description ?? "\(KernelVersion.oldest)") …` makes a "
      + "bundle for it"
  }

  private static func kernelText(_ kernel: KernelVersion?) -> String {
    kernel.map { "Linux \($0)" } ?? "an unknown kernel"
  }

  /// libbpf's last complaint, without its prefix.
  static func lastLine(_ log: String) -> String? {
    guard let line = log.split(separator: "\n").last else { return nil }
    return line.hasPrefix("libbpf: ") ? String(line.dropFirst("libbpf: ".count)) : String(line)
  }
}
