import Testing

@testable import MedullaNFFunctions

@Suite("Answers to who has sent an object")
struct AnswerEnvelopeTests {
  private static let frame: [UInt8] =
    [
      1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 8, 0, 0x45, 0, 0, 30, 7, 7, 0x40, 0, 3, 17, 0, 0, 10, 0, 0, 1, 10,
      0, 0, 2,
    ]
    + [0x12, 0x34, 0x23, 0x28, 0, 10, 9, 9, 0xaa, 0xbb]

  @Test("both ends change places, lengths are the answer's, and the header's sum is right")
  func turned() throws {
    let envelope = try #require(Self.frame.withUnsafeBytes { AnswerEnvelope($0) })
    var answer = [UInt8](repeating: 0xee, count: 100)
    let header = answer.withUnsafeMutableBytes { envelope.write(to: $0, payload: 20) }
    #expect(header == 42)
    #expect(Array(answer[0..<12]) == [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1])
    #expect(Array(answer[26..<34]) == [10, 0, 0, 2, 10, 0, 0, 1])
    #expect(Array(answer[34..<42]) == [0x23, 0x28, 0x12, 0x34, 0, 28, 0, 0])
    #expect(answer[16] == 0 && answer[17] == 48 && answer[22] == 64)
    var sum = 0
    for at in stride(from: 14, to: 34, by: 2) { sum += Int(answer[at]) << 8 | Int(answer[at + 1]) }
    while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
    #expect(sum == 0xffff)
  }

  @Test("no answer is written where there is no room")
  func room() throws {
    let envelope = try #require(Self.frame.withUnsafeBytes { AnswerEnvelope($0) })
    var short = [UInt8](repeating: 0, count: 50)
    #expect(short.withUnsafeMutableBytes { envelope.write(to: $0, payload: 20) } == nil)
  }

  @Test("what is no plain datagram of IPv4 gets no answer")
  func others() {
    var tcp = Self.frame
    tcp[23] = 6
    let tagged = Array(Self.frame[0..<12]) + [0x81, 0, 0, 5] + Array(Self.frame[12...])
    for frame in [tcp, tagged, Array(Self.frame.prefix(30)), []] {
      #expect(frame.withUnsafeBytes { AnswerEnvelope($0) } == nil)
    }
  }
}
