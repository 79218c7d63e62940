import Testing

@testable import MedullaDatapath
@testable import MedullaPacket

@Suite("places of custom functions")
struct FunctionHookTests {
  @Test("tc has a direction, XDP has none, and each is written back as it was read")
  func accepted() throws {
    #expect(try FunctionHook("tc:eth0:ingress").point == .ingress)
    #expect(try FunctionHook("tc:br-lan:egress").interface == "br-lan")
    #expect(try FunctionHook("xdp:eth0").point == .xdp)
    for text in ["tc:eth0:ingress", "tc:eth0.5:egress", "tc:eth0:both", "xdp:veth1"] {
      #expect(try FunctionHook(text).description == text)
    }
  }

  @Test(
    "anything else is refused with the forms that there are",
    arguments: [
      "", "tc", "tc:eth0", "tc:eth0:all", "xdp:eth0:both", "tc::ingress", "xdp:", "xdp:eth0:ingress",
      "tc:a/b:ingress",
      "tc:0123456789abcdef:ingress", "tc:eth 0:egress", "udp:eth0",
    ])
  func refused(text: String) {
    let error = #expect(throws: DatapathError.self) { try FunctionHook(text) }
    #expect(error?.code == .badFunction)
    #expect(error?.remedy.contains("xdp:DEVICE") == true)
  }

  @Test("a registration is read by its layout, and one that is cut short or of another interface is refused")
  func registration() throws {
    var bytes = [UInt8](repeating: 0, count: 64)
    bytes[0] = 4
    bytes[4] = 6
    bytes[9] = 1
    bytes.replaceSubrange(16..<20, with: Array("mark".utf8))
    let registration = try FunctionRegistration(bytes, file: "a.bpf.c")
    #expect(registration.inputs == 6 && registration.outputs == 256 && registration.name == "mark")
    #expect(throws: DatapathError.self) { try FunctionRegistration(nil, file: "a.bpf.c") }
    #expect(throws: DatapathError.self) { try FunctionRegistration(Array(bytes.dropLast()), file: "a.bpf.c") }
    bytes[0] = 1
    let error = #expect(throws: DatapathError.self) { try FunctionRegistration(bytes, file: "a.bpf.c") }
    #expect(error?.code == .foreignVersion)
  }
}
