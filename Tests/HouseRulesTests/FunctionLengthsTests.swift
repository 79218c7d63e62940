import Testing

@Suite("Lengths of functions")
struct FunctionLengthsTests {
  private func found(_ text: String, _ language: CodeText.Language) -> [String] {
    FunctionLengths(text, language).functions.map { "\($0.name) \($0.line) \($0.lines)" }
  }

  @Test("braces in strings, comments and interpolations do not count, in Swift")
  func swift() {
    let text = ##"""
      protocol P { func none() -> Int; init(a: Int); var x: Int { get } }
      struct S {  // {
        func one() { /* } /* } */ */
          print("}\"}", "\(two { "}" })", #"}"\#("}")}"#)
        }
        init(closure: () -> Void = { }) {
          self.init(other: """
            }}} \(one() { }) "
            """)
        }
        subscript(index: Int) -> Int {
          if true { return 1 }
          return 2
        }
        var computed: Int { 1 }
        deinit {
          func inside() {
          }
        }
      }
      """##
    #expect(found(text, .swift) == ["one 3 3", "init 6 5", "subscript 11 4", "inside 17 2", "deinit 16 4"])
  }

  @Test("a body begins behind parentheses, in C; braces of literals, initialisers and macros do not count")
  func c() {
    let text = #"""
      #define OPEN() do { \
        {
      struct s { int a; };
      static const char letters[] = { '{', '"', '\'' };
      static int
      one(int a) /* { */
      {
        if (a) { return '}'; } // }
        return sizeof("}{\"");
      }
      SEC("struct_ops")
      void BPF_PROG(two, struct sock *sk) { }
      """#
    #expect(
      found(text, .c).map { $0.split(separator: " ").dropFirst().joined(separator: " ") } == ["5 6", "11 2"])
  }

  @Test("a function of 61 lines is one too many")
  func limit() {
    for (count, isTooLong) in [(58, false), (59, true)] {
      let text = "func f() {\n" + String(repeating: "  g()\n", count: count) + "}\n"
      let lines = FunctionLengths(text, .swift).functions.first?.lines ?? 0
      #expect((lines > HouseRulesTests.functionLimit) == isTooLong)
    }
  }
}
