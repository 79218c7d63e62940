import Foundation
import Testing

@testable import MedullaLabels

@Suite("Lists as files")
struct ListReaderTests {
  private func read(
    _ text: String, _ kind: ListKind? = nil, _ format: ListFormat = .lines
  ) throws -> ListReading {
    try ListReader.read(Data(text.utf8), named: "list", kind: kind, format: format)
  }

  static let kinds: [(text: String, kind: ListKind, count: Int, bad: Int)] = [
    ("# c\n\n10.0.0.0/8\n10.0.0.1 # one\n10.0.0.1;two\n2001:db8::/32\r\n", .addresses, 3, 0),
    ("; Spamhaus DROP\n192.0.2.0/24 ; SBL1\n198.51.100.0/25 ; SBL2\n", .addresses, 2, 0),
    ("\u{feff}192.0.2.1\n", .addresses, 1, 0),
    ("22\n53/udp\n6000-6003/TCP\n80-80\n", .ports, 2 + 1 + 4 + 2, 0),
    ("*.Example.org\nexample.com.\n.sub.example.net\nxn--bcher-kva.example\n", .domains, 4, 0),
    (
      "127.0.0.1 localhost\n::1 localhost\n0.0.0.0 ads.example b.example\n0.0.0.0 0.0.0.0\n:: c.example",
      .domains, 3, 0
    ),
    ("52:54:00:12:34:56\n52-54-00-12-34-56\n5254.0012.3457\n00:1a:2b\n", .macs, 3, 0),
    ("10.0.0.1\nno address\n10.0.0.2\n10.0.0.3 and more\n", .addresses, 2, 2),
    ("10.0.0.1\n10.0.0.2\nexample.org\n", .addresses, 2, 1),
  ]

  @Test("kinds are told by their first entry; lines that are none are counted", arguments: kinds)
  func kind(text: String, kind: ListKind, count: Int, bad: Int) throws {
    let reading = try read(text)
    #expect(reading.contents.kind == kind && reading.contents.count == count && reading.badLines == bad)
    #expect(try read(text, kind).contents == reading.contents)
  }

  @Test("a file of mostly other things is refused by its first such line")
  func refused() throws {
    let error = try #require(throws: ListError.self) { try read("10.0.0.1\nx y\n\nz.\n99999\n", .addresses) }
    #expect(
      error.code == .malformed && error.message.contains("3 lines that are no addresses, and 1 that are"))
    #expect(error.cause.hasPrefix("line 2: `x`"), "\(error)")
    #expect(throws: ListError.self) { try read("hello\nworld\n") }
    #expect(throws: ListError.self) { try read("# nothing\n") }
    #expect(try read("# nothing\n", .addresses).contents.count == 0)
    #expect(throws: ListError.self) { try read("99999\n", .ports) }
  }

  @Test("the entry of comma-separated values is in a column, by number or title")
  func values() throws {
    let text = "\"seen\",\"dst ip\",note\n# c\n1,192.0.2.1,\"a, \"\"b\"\"\"\n2, \"192.0.2.2\" ,x\n3\n"
    for format in [ListFormat.column(2), .named("dst ip")] {
      let reading = try read(text, nil, format)
      #expect(reading.contents.kind == .addresses && reading.contents.count == 2)
      #expect(reading.badLines == 1 && reading.faults.first?.line == 5)
    }
    #expect(throws: ListError.self) { try read(text, .addresses, .named("src ip")) }
    #expect(throws: ListError.self) { try read(text, .addresses, .column(9)) }
    #expect(try read("192.0.2.1,x\n192.0.2.2,y", nil, .column(1)).contents.count == 2)
    #expect(ListReader.values("a,\"b,\"\"c\"\"\", d ,") == ["a", "b,\"c\"", "d", ""])
    #expect(ListReader.values("a,\"b") == nil)
    #expect(ListFormat(column: "3") == .column(3) && ListFormat(column: "ip") == .named("ip"))
  }

  @Test("lines and faults that are told are bounded; bytes that are no text are no entries")
  func bounds() throws {
    let long = String(repeating: "1", count: ListReader.lineLimit + 1)
    let reading = try read("10.0.0.1\n10.0.0.2\n\(long)\n", .addresses)
    #expect(reading.badLines == 1 && reading.faults.first?.line == 3)
    let bytes = Data("10.0.0.1\n".utf8) + [0xff, 0xfe, 0x0a]
    #expect(try ListReader.read(bytes, named: "list", kind: nil).badLines == 1)
    let many = (0..<50).map { "10.0.0.\($0)\nbad\($0)\n" }.joined()
    #expect(try read(many, .addresses).faults.count == 5 && read(many, .addresses).badLines == 50)
  }

  @Test("a domain is on a list with all below it, and nothing beside it")
  func domains() throws {
    let contents = try read("example.org\nads.example.com\n").contents
    let names = [
      ("example.org", "example.org"), ("a.b.Example.ORG.", "example.org"),
      ("ads.example.com", "ads.example.com"),
      ("notexample.org", nil), ("example.com", nil), ("org", nil), ("", nil),
    ]
    for (name, expected) in names { #expect(contents.domain(around: name) == expected, "\(name)") }
  }

  @Test("devices have names of any form, without regard to case; makers' addresses stand for all of theirs")
  func devices() throws {
    let contents = try read("Kitchen TV\nprinter-2 # upstairs\n", .devices).contents
    #expect(
      contents.has(device: "kitchen tv") && contents.has(device: "PRINTER-2") && !contents.has(device: "tv"))
    let macs = try read("52:54:00\n00:11:22:33:44:55\n").contents
    for (text, expected) in [
      ("52:54:00:ff:ff:ff", true), ("00:11:22:33:44:55", true), ("00:11:22:33:44:56", false),
    ] {
      let address = try #require(MACAddress(text))
      #expect(macs.has(address) == expected && address.description == text)
    }
    for text in [
      "52:54:00:12:34", "52:54:00:12:34:5g", "525400123456", "52:54-00:12:34:56", "5:54:00:12:34:56",
    ] {
      #expect(MACAddress(text) == nil, "\(text)")
    }
  }
}
