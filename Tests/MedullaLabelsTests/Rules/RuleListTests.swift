import Testing

@testable import MedullaLabels

@Suite("Lists in rules")
struct RuleListTests {
  @Test("a rules file declares lists beside it, which are read again when they change")
  func declared() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("192.0.2.0/24\n", to: folder + "/hosts.txt")
      try LabelCase.write("443/tcp\n", to: folder + "/ports.txt")
      let rules = """
        bulk if source in list "hosts" and not destination_port in list "ports"
        web if source in list "hosts"
        list "hosts" from "hosts.txt" of addresses
        list "ports" from "\(folder)/ports.txt" of ports
        """
      try LabelCase.write(rules, to: folder + "/rules")
      var told: [String] = []
      let agent = RuleAgent(try RuleProgram.read(folder + "/rules", schema: RuleCase.schema)) {
        told.append($0)
      }
      let requests = [
        try RuleCase.request(), try RuleCase.request(transport: 17),
        try RuleCase.request(source: "192.0.3.7"),
      ]
      #expect(agent.label(requests).map(\.label) == [0, 1, nil])
      try LabelCase.write("192.0.3.7\n198.51.100.0/24", to: folder + "/hosts.txt")
      #expect(agent.label(requests).map(\.label) == [nil, nil, 0])
      #expect(told.count == 1 && told[0].contains("hosts.txt has changed: 2 entries"), "\(told)")
      _ = agent.label(requests)
      #expect(told.count == 1)
    }
  }

  @Test("a list of another kind than what is in it, one that cannot be read, and two of one name are refused")
  func refused() throws {
    try LabelCase.withFolder { folder in
      try LabelCase.write("192.0.2.0/24\n", to: folder + "/hosts.txt")
      try LabelCase.write("22\n", to: folder + "/ports.txt")
      let hosts = "list \"h\" from \"hosts.txt\" of addresses\n"
      let cases = [
        (hosts + "web if destination_port in list \"h\"", "line 2, column 8: `destination_port` is a port"),
        (hosts + "web if packets in list \"h\"", "`packets` is a number and list \"h\" one of addresses"),
        ("web if source in list \"p\"\nlist \"p\" from \"ports.txt\" of ports", "line 1, column 8: `source`"),
        (
          "list \"h\" from \"none.txt\" of ports\nweb if packets > 1",
          "line 1, column 1: the list \"h\" cannot"
        ),
        ("list \"h\" from \"hosts.txt\" of ports\nweb if packets > 1", "1 lines that are no ports"),
        (hosts + hosts + "web if packets > 1", "line 2, column 1: there are two lists \"h\""),
        (hosts + "web if source in list \"g\"", "there is no list \"g\""),
      ]
      for (text, words) in cases {
        let lists = RuleLists(folder: folder)
        let error = try #require(throws: RuleError.self) { try RuleCase.program(text, lists: lists) }
        #expect(error.message.contains(words), "\(error)")
      }
      let given = RuleLists(given: ["h": try WatchedList(folder + "/hosts.txt")])
      #expect(try RuleCase.program("web if source in list \"h\"", lists: given).lists.count == 1)
    }
  }
}
