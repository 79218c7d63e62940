import MedullaNF
import Testing

@testable import MedullaNFFunctions

@Suite("Options of network functions")
struct FunctionOptionsTests {
  @Test(
    "what a function does not take is refused, with what it takes",
    arguments: [
      ("count", "{\"branch\": 1}", "there is no option branch"),
      ("forward", "{\"branch\": 9}", "branch must be an integer from 0 to 7"),
      ("firewall", "{\"deny\": \"10.0.0.0/8\"}", "deny must be a list of strings"),
      ("firewall", "{\"deny\": [\"10.0.0.0/99\"]}", "is no address or prefix"),
      ("firewall", "{\"deny_ports\": [70000]}", "deny_ports must be a list of integers"),
      ("inference", "{}", "model must be there"),
      ("inference", "{\"model\": \"m\", \"policy\": \"push\"}", "policy must be one of"),
      ("file-types", "{\"udp\": \"all\"}", "udp must be one of objects, stream"),
      ("file-types", "{\"idle_ms\": 0}", "idle_ms must be an integer from 1 to 600000"),
      ("nonsense", "{}", "there is no function of kind"),
      ("count", "[]", "no JSON object"),
    ])
  func refused(_ kind: String, _ options: String, _ problem: String) {
    let error = #expect(throws: NFError.self) { try BuiltInFunctions.make(kind, options: options) }
    #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
  }

  @Test("functions without options are made")
  func made() throws {
    for kind in ["count", "forward", "firewall"] { _ = try BuiltInFunctions.make(kind, options: "{}") }
  }
}
