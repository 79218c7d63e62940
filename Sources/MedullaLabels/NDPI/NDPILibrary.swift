import Glibc

/// nDPI, loaded at run time: a machine without it builds and runs everything else.
///
/// `ndpi_protocol` is two numbers of 16 bits and one of 32: on the processors that Medulla runs on it is
/// passed and given back in one register, as a number of 64 bits is. `NDPIProtocol` has its parts, and the
/// library is asked whether it sees the same ones.
final class NDPILibrary {
  typealias Module = OpaquePointer
  typealias Flow = UnsafeMutableRawPointer

  typealias Size = @convention(c) () -> UInt32
  typealias Text = @convention(c) () -> UnsafePointer<CChar>?
  typealias Start = @convention(c) (UInt32) -> Module?
  typealias OnModule = @convention(c) (Module) -> Void
  typealias SetProtocols = @convention(c) (Module, UnsafeRawPointer) -> Void
  typealias Allocate = @convention(c) (UInt, Int) -> Flow?
  typealias OnFlow = @convention(c) (Flow) -> Void
  typealias Process = @convention(c) (Module, Flow, UnsafePointer<UInt8>, UInt16, UInt64) -> UInt64
  typealias GiveUp = @convention(c) (Module, Flow, UInt8, UnsafeMutablePointer<UInt8>) -> UInt64
  typealias AskFlow = @convention(c) (Module, Flow) -> UInt8
  typealias Info = @convention(c) (Flow, UnsafePointer<UInt64>) -> UnsafePointer<CChar>?
  typealias NameProtocol =
    @convention(c) (Module, UInt64, UnsafeMutablePointer<CChar>, UInt32) -> UnsafePointer<CChar>?
  typealias NameNumber = @convention(c) (Module, UInt16) -> UnsafePointer<CChar>?
  typealias NameCategory = @convention(c) (Module, UInt32) -> UnsafePointer<CChar>?
  typealias Category = @convention(c) (Module, UInt64) -> UInt32
  typealias Find = @convention(c) (Module, UnsafePointer<CChar>) -> Int32
  typealias Part = @convention(c) (UInt64) -> UInt16

  /// Debian's first; then those that say which version is there instead.
  private static let names = ["libndpi.so.4.2", "libndpi.so.4", "libndpi.so"]

  let version: NDPIVersion
  private let handle: UnsafeMutableRawPointer

  let start: Start
  let stop: OnModule
  let setProtocols: SetProtocols
  let finish: OnModule
  let allocate: Allocate
  let release: OnFlow
  let free: OnFlow
  let process: Process
  let giveUp: GiveUp
  let mayLearnMore: AskFlow
  let info: Info
  let nameProtocol: NameProtocol
  let nameNumber: NameNumber
  let nameCategory: NameCategory
  let category: Category
  let findProtocol: Find
  let findCategory: Find
  let upper: Part
  let lower: Part

  /// - Parameter names: of the library, in the order in which they are tried.
  /// - Throws: `missing`, `unknownVersion`, `unfit`.
  init(names: [String] = names) throws(NDPIError) {
    let library = try Self.open(names)
    handle = library
    func symbol<Function>(_ name: String, _: Function.Type) throws(NDPIError) -> Function {
      guard let address = dlsym(library, name) else {
        throw NDPIError(
          .unfit, "the nDPI that is installed lacks \(name)", remedy: "install Debian's libndpi4.2")
      }
      return unsafeBitCast(address, to: Function.self)
    }
    do {
      version = try Self.version(
        revision: symbol("ndpi_revision", Text.self), interface: symbol("ndpi_get_api_version", Size.self),
        flow: symbol("ndpi_detection_get_sizeof_ndpi_flow_struct", Size.self),
        tcp: symbol("ndpi_detection_get_sizeof_ndpi_flow_tcp_struct", Size.self),
        udp: symbol("ndpi_detection_get_sizeof_ndpi_flow_udp_struct", Size.self))
      start = try symbol("ndpi_init_detection_module", Start.self)
      stop = try symbol("ndpi_exit_detection_module", OnModule.self)
      setProtocols = try symbol("ndpi_set_protocol_detection_bitmask2", SetProtocols.self)
      finish = try symbol("ndpi_finalize_initialization", OnModule.self)
      allocate = try symbol("ndpi_calloc", Allocate.self)
      release = try symbol("ndpi_free_flow_data", OnFlow.self)
      free = try symbol("ndpi_free", OnFlow.self)
      process = try symbol("ndpi_detection_process_packet", Process.self)
      giveUp = try symbol("ndpi_detection_giveup", GiveUp.self)
      mayLearnMore = try symbol("ndpi_extra_dissection_possible", AskFlow.self)
      info = try symbol("ndpi_get_flow_info", Info.self)
      nameProtocol = try symbol("ndpi_protocol2name", NameProtocol.self)
      nameNumber = try symbol("ndpi_get_proto_name", NameNumber.self)
      nameCategory = try symbol("ndpi_category_get_name", NameCategory.self)
      category = try symbol("ndpi_get_proto_category", Category.self)
      findProtocol = try symbol("ndpi_get_protocol_id", Find.self)
      findCategory = try symbol("ndpi_get_category_id", Find.self)
      upper = try symbol("ndpi_get_upper_proto", Part.self)
      lower = try symbol("ndpi_get_lower_proto", Part.self)
    } catch {
      dlclose(library)
      throw error
    }
  }

  deinit { dlclose(handle) }

  private static func open(_ names: [String]) throws(NDPIError) -> UnsafeMutableRawPointer {
    var said = ""
    for name in names {
      if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) { return handle }
      said = dlerror().map { String(cString: $0) } ?? said
    }
    throw NDPIError(
      .missing, "nDPI is not installed", cause: said, remedy: "install it: apt-get install libndpi4.2")
  }

  private static func version(
    revision: Text, interface: Size, flow: Size, tcp: Size, udp: Size
  ) throws(NDPIError) -> NDPIVersion {
    let found = NDPIVersion(
      revision: revision().map { String(cString: $0) } ?? "",
      interface: UInt16(truncatingIfNeeded: interface()),
      flowBytes: flow(), tcpBytes: tcp(), udpBytes: udp())
    return try check(found)
  }

  /// - Returns: the known version that a library is.
  static func check(_ found: NDPIVersion) throws(NDPIError) -> NDPIVersion {
    guard let known = NDPIVersion.known.first(where: { $0.matches(found) }) else {
      let all = NDPIVersion.known.map { "\($0)" }.joined(separator: ", ")
      throw NDPIError(
        .unknownVersion, "nDPI \(found) is not known here", cause: "known is \(all)",
        remedy: "install Debian's libndpi4.2, or leave nDPI out")
    }
    return known
  }
}

/// `ndpi_protocol` of nDPI 4.2.
struct NDPIProtocol: Equatable, Sendable {
  /// The protocol that carries the other, such as TLS; 0: none.
  let carrier: UInt16
  /// The application; 0: not known.
  let application: UInt16
  let category: UInt32

  init(carrier: UInt16, application: UInt16, category: UInt32 = 0) {
    (self.carrier, self.application, self.category) = (carrier, application, category)
  }

  init(word: UInt64) {
    carrier = UInt16(truncatingIfNeeded: word)
    application = UInt16(truncatingIfNeeded: word >> 16)
    category = UInt32(truncatingIfNeeded: word >> 32)
  }

  var word: UInt64 { UInt64(category) << 32 | UInt64(application) << 16 | UInt64(carrier) }

  var isKnown: Bool { application != 0 || carrier != 0 }
}
