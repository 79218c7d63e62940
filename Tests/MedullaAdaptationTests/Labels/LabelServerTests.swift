import Foundation
import Glibc
import MedullaFrames
import MedullaLabels
import MedullaLearning
import MedullaSnapshot
import Testing

@testable import MedullaAdaptation

@Suite("The labeler's side of the protocol")
struct LabelServerTests {
  private static let schema = LabelSchema(
    classes: ["benign", "attack"],
    features: [InputFeature(name: "rate", scale: .linear), InputFeature(name: "bytes", scale: .log2)])

  /// A server on a thread of its own, and this side of its socket.
  private final class Served: @unchecked Sendable {
    let channel: DescriptorChannel
    private let near: Int32
    private let ended = DispatchSemaphore(value: 0)
    private(set) var error: FrameError?
    private var number = 0

    init(_ make: @escaping (LabelServer.Greeting) throws -> any LabelingAgent) throws {
      var ends: [Int32] = [-1, -1]
      try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
      near = ends[0]
      channel = DescriptorChannel(input: near, output: near)
      let far = ends[1]
      nonisolated(unsafe) let make = make
      Thread { [self] in
        defer {
          close(far)
          ended.signal()
        }
        do throws(FrameError) {
          try LabelServer(DescriptorChannel(input: far, output: far), make: make).serve()
        } catch {
          self.error = error
        }
      }.start()
    }

    deinit { close(near) }

    func ask(_ request: TensorFrame) throws -> TensorFrame {
      var request = request
      number += 1
      request.fields["id"] = FrameValue(number)
      try channel.send(request)
      let answer = try #require(try channel.receive())
      #expect(answer.fields["id"]?.count == number)
      return answer
    }

    func greet(_ options: [String: FrameValue] = [:]) throws -> TensorFrame {
      var settings = ProcessSettings(command: ["none"], options: options)
      settings.function = "own"
      return try ask(LabelFrame.greeting(LabelServerTests.schema, settings: settings))
    }

    func label(_ requests: [LabelRequest]) throws -> [Label] {
      try LabelFrame.decode(
        ask(LabelFrame.encode(requests, LabelServerTests.schema)), asked: requests.count, agent: "a",
        classes: 2)
    }

    /// Closes this side's writing, and waits until the server has ended.
    func leave() -> Bool {
      shutdown(near, Int32(SHUT_WR))
      return ended.wait(timeout: .now() + 20) == .success
    }

    func send(_ bytes: [UInt8]) { #expect(Glibc.send(near, bytes, bytes.count, 0) == bytes.count) }
  }

  @Test("what the daemon asks arrives exactly, and the agent's labels go back as they are")
  func exact() throws {
    let flow = FlowEndpoints(
      source: [192, 0, 2, 1], destination: [198, 51, 100, 7], sourcePort: 65_535, destinationPort: 443,
      transport: 6)
    let six = FlowEndpoints(
      source: [32, 1] + [UInt8](repeating: 0, count: 13) + [9],
      destination: [32, 1] + [UInt8](repeating: 0, count: 13) + [1], sourcePort: 1, destinationPort: 53,
      transport: 17)
    let requests = [
      LabelRequest(
        sample: .max, nanoseconds: 1 << 60 + 1, flow: flow, features: [1.5, -2],
        facts: ["bytes": 0x1p53 - 1, "packets": 0.1], prediction: 1, margin: 0.125),
      LabelRequest(sample: 5, flow: six, features: [0, 0.25], facts: ["packets": 7]),
      LabelRequest(sample: 6, features: [0, 1]),
    ]
    nonisolated(unsafe) var greeting: LabelServer.Greeting?
    nonisolated(unsafe) var heard: [LabelRequest] = []
    let labels = [
      Label(sample: .max, agent: "a", label: 1, confidence: 0.5), Label(sample: 4, agent: "a", label: nil),
    ]
    let served = try Served {
      greeting = $0
      return ScriptedLabeler("a") {
        heard = $0
        return labels
      }
    }
    let answer = try served.greet(["depth": 3])
    #expect(answer.text("answer") == "ok")
    #expect(throws: Never.self) { try LabelFrame.checkGreeting(answer) }
    #expect(try served.label(requests) == labels)
    #expect(heard == requests)
    #expect(greeting?.function == "own" && greeting?.options == ["depth": 3])
    #expect(greeting?.schema.classes == Self.schema.classes)
    #expect(greeting?.schema.features == Self.schema.features)
    #expect(try served.ask(TensorFrame(["request": "close"])).text("answer") == "ok")
    #expect(served.leave() && served.error == nil)
  }

  @Test("what cannot be answered has an error that says why, and the service goes on")
  func errors() throws {
    nonisolated(unsafe) var failures = 1
    let served = try Served { _ in
      failures -= 1
      if failures == 0 { throw NDPIError(.missing, "nDPI is not there", remedy: "install it") }
      return ScriptedLabeler("a") { requests in
        if requests[0].sample == 13 { throw NDPIError(.unfit, "bad luck") }
        return []
      }
    }
    func refusal(_ request: TensorFrame) throws -> String {
      let answer = try served.ask(request)
      #expect(answer.text("answer") == "error")
      return answer.text("message") ?? ""
    }
    let question = try LabelFrame.encode([LabelRequest(sample: 1, features: [0, 0])], Self.schema)
    #expect(try refusal(question).contains("hello"))
    #expect(try refusal(TensorFrame(["request": "adapt"])).contains("unknown"))
    #expect(try refusal(TensorFrame(["request": "hello", "protocol": 2])).contains("version"))
    #expect(try refusal(TensorFrame(["request": "hello", "protocol": 1])).contains("role"))
    var odd = LabelFrame.greeting(Self.schema, settings: ProcessSettings(command: ["none"]))
    odd.fields["features"] = ["no feature"]
    #expect(try refusal(odd).contains("no feature"))
    odd.fields["classes"] = []
    #expect(try refusal(odd).contains("classes"))
    // The agent itself could not be made; with the next greeting it can.
    #expect(try served.greet().text("message")?.contains("install it") == true)
    #expect(try served.greet().text("answer") == "ok")
    #expect(try served.greet().text("message")?.contains("second") == true)
    var lacking = question
    lacking.tensors.removeAll { $0.name == "margin" }
    #expect(try refusal(lacking).contains("margin"))
    lacking = question
    lacking.fields["flows"] = 2
    #expect(try refusal(lacking).contains("shape"))
    let unlucky = try LabelFrame.encode([LabelRequest(sample: 13, features: [0, 0])], Self.schema)
    #expect(try refusal(unlucky).contains("luck"))
    #expect(try served.label([LabelRequest(sample: 1, features: [0, 0])]).isEmpty)
    #expect(served.leave() && served.error == nil)
  }

  @Test(
    "bytes that are no frame, and a side that goes away inside one, end it",
    arguments: [
      (Array("label: attack".utf8), FrameErrorCode.tooLarge),
      ([255, 255, 255, 255, 255, 255, 255, 255], .tooLarge),
      ([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7b], .malformedHeader),
      ([9, 0, 0, 0, 0, 0, 0, 0, 0x7b], .truncated),
    ])
  func broken(bytes: [UInt8], code: FrameErrorCode) throws {
    let served = try Served { _ in ScriptedLabeler("a") { _ in [] } }
    #expect(try served.greet().text("answer") == "ok")
    served.send(bytes)
    #expect(served.leave() && served.error?.code == code, "\(String(describing: served.error))")
  }
}
