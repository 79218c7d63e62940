import Foundation
import MedullaBase
import MedullaNF

/// Answers as datagrams to who has sent the object: a line of JSON, by one of the function's branches.
///
/// They are written into frames that were received and are done with, so packet memory must be writable.
package final class NetworkAnswers: AnswerSink {
  /// Frames that wait for an answer to be written into them.
  private static let spareLimit = 64

  private let branch: Int
  private var spares: [Int] = []
  private var sent: UInt64 = 0
  private var lost: UInt64 = 0

  /// - Parameter branch: the number of the branch that leads to the interface.
  package init(branch: Int) { self.branch = branch }

  package func keeps(frameAt place: Int, by port: FunctionPort) -> Bool {
    guard spares.count < Self.spareLimit else { return false }
    spares.append(place)
    return true
  }

  package func take(
    _ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort
  ) throws {
    guard let memory = port.writableMemory, branch < port.branches.count else {
      throw NFError(
        .badSettings, "\(port.name): answers by the network need `writable: true` and a branch",
        remedy: "name the interface in `branches`, or write answers to a file")
    }
    let line = try JSONText.line(answer)
    guard let envelope, let place = spares.popLast() else {
      lost += 1
      return port.count("answers_lost", lost)
    }
    let start = place - place % port.frameBytes + PacketMemory.dataOffset
    let end = start - PacketMemory.dataOffset + port.frameBytes
    let frame = UnsafeMutableRawBufferPointer(rebasing: memory[start..<end])
    guard let header = envelope.write(to: frame, payload: line.count) else {
      lost += 1
      port.return(place: place, length: 0, .release)
      return port.count("answers_lost", lost)
    }
    UnsafeMutableRawBufferPointer(rebasing: frame[header...]).copyBytes(from: line)
    port.return(place: start, length: header + line.count, .branch(branch))
    sent += 1
    port.count("answers_sent", sent)
  }
}
