import ArgumentParser
import Foundation
import Glibc
import MedullaBase
import MedullaNFFunctions
import MedullaPayload

/// `medulla nf send --to ADDRESS:PORT FILE...`.
struct NFSendCommand: ParsableCommand {
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case float32, uint8, bytes

    var payload: PayloadKind {
      switch self {
      case .float32: .imageFloat32
      case .uint8: .imageUInt8
      case .bytes: .bytes
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Send files as objects to a chain: images, or bytes.",
    discussion: """
      Each file is an object, cut into datagrams with the header of docs/reference/payload-header.md. \
      Answers that the chain sends back are printed, a line of JSON each. A file that ends with .npy is \
      sent without NumPy's header.
      """)

  @Option(help: ArgumentHelp("Where the chain's interface receives them.", valueName: "address:port"))
  var to: String
  @Option(help: "What the objects are.")
  var kind = Kind.float32
  @Option(help: ArgumentHelp("Bytes of an object in each datagram.", valueName: "bytes"))
  var piece = 1_024
  @Option(help: "The stream's number.")
  var stream: UInt32 = 1
  @Option(help: "The first object's number; each has the next. Left out: one that is not used twice.")
  var first: UInt64?
  @Option(help: ArgumentHelp("Datagrams a second; 0: as fast as they go.", valueName: "number"))
  var rate = 0
  @Option(help: ArgumentHelp("How long to wait for each answer; 0: not at all.", valueName: "seconds"))
  var wait = 2.0
  @Argument(help: "The files.")
  var files: [String]

  func validate() throws {
    guard (1...1_400).contains(piece) else { throw ValidationError("--piece takes 1 to 1400") }
    guard (0...10_000_000).contains(rate) else { throw ValidationError("--rate takes 0 to 10000000") }
    guard wait >= 0, wait <= 3_600 else { throw ValidationError("--wait takes 0 to 3600") }
    if files.isEmpty { throw ValidationError("there is no file to send") }
  }

  func run() throws {
    let sender = try ObjectSender(to: to)
    var number = first ?? MonotonicClock.nanoseconds
    for file in files {
      let bytes = try content(of: file)
      let digest = bytes.withUnsafeBytes { PayloadDigest.of($0) }
      let writer = try PayloadWriter(
        kind: kind.payload, stream: stream, object: number, size: bytes.count, pieceSize: piece,
        digest: digest)
      try bytes.withUnsafeBytes { try sender.send(writer, $0, packetsPerSecond: rate) }
      Narration.tell("\(file): object \(number), \(bytes.count) bytes in \(writer.packets) packets")
      number &+= 1
      guard wait > 0 else { continue }
      guard let answer = sender.answer(within: .seconds(wait)) else {
        Narration.tell("\(file): no answer in \(wait) s")
        throw ExitCode.failure
      }
      print(answer)
    }
  }

  private func content(of path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ValidationError("\(path) cannot be read")
    }
    guard path.hasSuffix(".npy") else { return [UInt8](data) }
    // Magic, version, and the header's length, which is 2 bytes in version 1 and 4 later.
    let bytes = [UInt8](data)
    guard bytes.count > 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw ValidationError("\(path) is no file of NumPy")
    }
    let isFirst = bytes[6] == 1
    let length =
      Int(bytes[8]) | Int(bytes[9]) << 8 | (isFirst ? 0 : Int(bytes[10]) << 16 | Int(bytes[11]) << 24)
    let start = (isFirst ? 10 : 12) + length
    guard start < bytes.count else { throw ValidationError("\(path) has no numbers") }
    return Array(bytes[start...])
  }
}
