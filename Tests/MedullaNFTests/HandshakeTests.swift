import CMedullaNF
import Foundation
import Glibc
import MedullaNF
import Testing

/// A host's side of a meeting, of which a test spoils something.
struct Meeting {
  var welcome = nf_welcome()
  var parameters = Array("{}".utf8)
  var descriptors: [Int32] = []
  /// Bytes of the message that are sent; nil: all.
  var sent: Int?

  init() {
    welcome.magic = UInt32(NF_WELCOME_MAGIC)
    welcome.version = UInt32(NF_WELCOME_VERSION)
    welcome.mode = UInt32(NF_YIELD)
    welcome.frame_bytes = 2_048
    welcome.frames = 64
    welcome.memory_bytes = 2_048 * 64
    welcome.ring_entries = 64
    welcome.rings_bytes = UInt64(3 * NF_AREA_BYTES)
    welcome.stamp_offset = UInt32(PacketMemory.dataOffset - MemoryLayout<nf_stamp>.size)
    descriptors = [
      nf_make_memory("packets", welcome.memory_bytes, 0), nf_make_memory("rings", welcome.rings_bytes, 0),
    ]
  }

  /// What the function's side makes of it, and what then comes from it.
  mutating func attach() -> (status: Int32, answer: Int?) {
    var ends: [Int32] = [-1, -1]
    nf_make_channel(&ends)
    welcome.parameter_bytes =
      welcome.parameter_bytes == 0 ? UInt32(parameters.count) : welcome.parameter_bytes
    let message = withUnsafeBytes(of: welcome) { Array($0) } + parameters
    let status = nf_send(
      ends[0], message, UInt64(min(sent ?? message.count, message.count)), descriptors,
      Int32(descriptors.count))
    #expect(status == 0)
    var port: OpaquePointer?
    let attached = medulla_nf_attach_channel(ends[1], &port)
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = recv(ends[0], &bytes, bytes.count, Int32(MSG_DONTWAIT))
    medulla_nf_detach(port)
    for descriptor in descriptors { close(descriptor) }
    close(ends[0])
    return (attached, bytes.prefix(max(count, 0)).withUnsafeBytes { Handshake.process(accepting: $0) })
  }
}

@Suite("How hosts and functions meet", .serialized)
struct HandshakeTests {
  private static func openDescriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
  }

  @Test("a function takes a good welcome, and says which process it is")
  func good() {
    let before = Self.openDescriptors()
    var meeting = Meeting()
    let (status, process) = meeting.attach()
    #expect(status == 0 && process == Int(getpid()))
    #expect(Self.openDescriptors() == before)
  }

  private static let spoiled: [(String, @Sendable (inout Meeting) -> Void)] = [
    ("magic", { $0.welcome.magic = 1 }), ("version", { $0.welcome.version += 1 }),
    ("mode", { $0.welcome.mode = 3 }), ("no frame", { $0.welcome.frames = 0 }),
    ("frames of 0 bytes", { $0.welcome.frame_bytes = 0 }),
    ("frames of 3,000 bytes", { $0.welcome.frame_bytes = 3_000 }),
    ("more frames than memory", { $0.welcome.frames = 65 }),
    ("memory that is no frames", { $0.welcome.memory_bytes -= 1 }),
    ("memory beyond its file", { $0.welcome.memory_bytes *= 2 }),
    ("a stamp beyond its frame", { $0.welcome.stamp_offset = 2_048 - 31 }),
    ("a stamp far away", { $0.welcome.stamp_offset = .max }),
    ("63 entries", { $0.welcome.ring_entries = 63 }), ("no entries", { $0.welcome.ring_entries = 0 }),
    ("2^31 entries", { $0.welcome.ring_entries = 1 << 31 }),
    (
      "rings beyond their file",
      {
        $0.welcome.ring_entries = 1_024; $0.welcome.rings_bytes = 4_096 * 7
      }
    ),
    (
      "a queue without a socket",
      {
        $0.welcome.queues = 1; $0.welcome.receive_entries = 64
      }
    ),
    ("2^31 queues", { $0.welcome.queues = 1 << 31 }),
    ("nine branches", { $0.welcome.branches = 9 }),
    (
      "a name without end",
      {
        withUnsafeMutableBytes(of: &$0.welcome.function) {
          _ = $0.initializeMemory(as: UInt8.self, repeating: 0x61)
        }
      }
    ),
    ("parameters that do not come", { $0.welcome.parameter_bytes = 3 }),
    ("endless parameters", { $0.welcome.parameter_bytes = .max }),
    ("half a message", { $0.sent = 200 }), ("a byte", { $0.sent = 1 }),
    ("one descriptor", { close($0.descriptors.removeLast()) }),
    ("a descriptor too many", { $0.descriptors.append(dup($0.descriptors[0])) }),
    (
      "no descriptor",
      {
        for descriptor in $0.descriptors { close(descriptor) }; $0.descriptors = []
      }
    ),
    (
      "a socket that receives nothing",
      {
        $0.welcome.queues = 1
        $0.welcome.receive_entries = 64
        $0.descriptors.append(dup($0.descriptors[0]))
      }
    ),
  ]

  @Test("a function refuses a host that says what cannot be, and keeps nothing open", arguments: spoiled)
  func hostile(_ what: String, _ spoil: @Sendable (inout Meeting) -> Void) {
    let before = Self.openDescriptors()
    var meeting = Meeting()
    spoil(&meeting)
    let (status, answer) = meeting.attach()
    #expect(status < 0 && answer == nil, "\(what)")
    #expect(Self.openDescriptors() == before, "\(what)")
  }

  @Test("wakes are taken, floods of them in parts, and anything else is the other side's end")
  func wakes() {
    var ends: [Int32] = [-1, -1]
    nf_make_channel(&ends)
    defer { close(ends[1]) }
    #expect(nf_take_wakes(ends[1]) == 1)
    // Nobody takes them, and nobody waits.
    for _ in 0..<100_000 { nf_wake(ends[0]) }
    for _ in 0..<20 { #expect(nf_take_wakes(ends[1]) == 1) }
    #expect(send(ends[0], "no", 2, Int32(MSG_DONTWAIT)) == 2 || errno == EAGAIN)
    var taken = 0
    while taken < 100_000, nf_take_wakes(ends[1]) == 1 { taken += 1 }
    close(ends[0])
    while taken < 200_000, nf_take_wakes(ends[1]) == 1 { taken += 1 }
    #expect(nf_take_wakes(ends[1]) == 0)
  }
}
