import CLibBPF
import CMedullaNF
import MedullaBase
import MedullaKernel

/// The program at an interface that hands frames to functions, with its maps. Gone with its last owner.
final class Demultiplexer {
  private static let program = "nf_demux"
  private static let constants = ".rodata"

  private let link: BPFLink
  private let sockets: BPFMap
  private let counts: BPFMap
  private let seats: MappedMap
  private let hasNoClasses: BPFMap

  /// - Parameters:
  ///   - object: what `DemultiplexerObject` has compiled.
  ///   - rules: with the numbers of functions.
  ///   - flows: the table of the classifier whose classes rules ask for; nil: none does.
  init(
    object bytes: [UInt8], rules: [nf_rule], flows: BPFMap? = nil, knowsTime: Bool, interface: UInt32
  ) throws(KernelError) {
    let object = try BPFObject(bytes: bytes, name: Self.program)
    var constants = nf_constants()
    constants.rule_count = UInt32(rules.count)
    constants.fields = rules.reduce(0) { $0 | $1.fields }
    withUnsafeMutableBytes(of: &constants.rules) { entries in
      rules.withUnsafeBytes { entries.copyMemory(from: $0) }
    }
    constants.takes_time = knowsTime ? 1 : 0
    if let flows {
      constants.row_offset = ClassifierWatch.rowOffset
      constants.seen_offset = ClassifierWatch.seenOffset
      try object.reuse(flows, as: "nf_flows")
    }
    guard let size = object.initialBytes(ofMap: Self.constants)?.count,
      size == MemoryLayout<nf_constants>.size
    else { throw KernelError(.mismatch, "the demultiplexer's object is of another version") }
    try object.setInitialBytes(withUnsafeBytes(of: constants) { Array($0) }, ofMap: Self.constants)
    try object.load()
    hasNoClasses = try object.loadedMap("nf_has_no_classes")
    sockets = try object.loadedMap("nf_sockets")
    counts = try object.loadedMap("nf_counts")
    seats = try MappedMap(try object.loadedMap("nf_seats"))
    link = try BPFLink(attaching: try object.loadedProgram(Self.program), to: .xdp, interface: interface)
  }

  private static func place(_ seat: Int, _ field: PartialKeyPath<nf_seat>) -> Int {
    seat * MemoryLayout<nf_seat>.size + (MemoryLayout<nf_seat>.offset(of: field) ?? 0)
  }

  /// From now on frames of the seat go into the socket's ring.
  func open(seat: Int, socket: Int32, quota: Int, epoch: UInt32) throws(KernelError) {
    try sockets.set(UInt32(socket), at: UInt32(seat))
    seats.store32(UInt32(quota), at: Self.place(seat, \.quota))
    seats.store32(epoch, at: Self.place(seat, \.epoch))
    seats.store32(UInt32(NF_SEAT_TAKEN), at: Self.place(seat, \.state))
  }

  func set(fallback action: UInt32, seat: Int) {
    seats.store32(action, at: Self.place(seat, \.fallback))
  }

  /// No further frame goes to the seat, but those that are on their way.
  func close(seat: Int) throws(KernelError) {
    seats.store32(UInt32(NF_SEAT_EMPTY), at: Self.place(seat, \.state))
    try sockets.remove(at: UInt32(seat))
  }

  /// Frames of a seat that are not out any more.
  @inline(__always)
  func set(returned count: UInt64, seat: Int) {
    seats.store64(count, at: Self.place(seat, \.returned))
  }

  func delivered(seat: Int) -> UInt64 { seats.load64(at: Self.place(seat, \.delivered)) }
  func overQuota(seat: Int) -> UInt64 { seats.load64(at: Self.place(seat, \.over_quota)) }
  func absent(seat: Int) -> UInt64 { seats.load64(at: Self.place(seat, \.absent)) }

  /// From now on no flow has a class: rules that ask for one match nothing.
  func forgetClasses() throws(KernelError) {
    try hasNoClasses.set(UInt32(1), at: 0)
  }

  /// Frames by what became of them.
  func count(_ cause: nf_cause) throws(KernelError) -> UInt64 {
    try counts.valuesPerProcessor(at: cause.rawValue, as: UInt64.self).reduce(0, &+)
  }
}
