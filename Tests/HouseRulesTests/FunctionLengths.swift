/// The functions of a source text with their lines, found by counting braces.
struct FunctionLengths {
  struct Function: Equatable {
    let name: String
    /// Of the declaration, counted from 1.
    let line: Int
    /// From the declaration to the closing brace.
    let lines: Int
  }

  private(set) var functions: [Function] = []
  private let language: CodeText.Language
  private var line = 1
  private var parentheses = 0
  /// Of every open brace, the function whose body it begins.
  private var open: [(name: String, line: Int)?] = []
  /// A declaration that waits for its body.
  private var pending: (name: String, line: Int)?
  private var previous = ""
  private var last: Character = ";"

  init(_ text: String, _ language: CodeText.Language) {
    self.language = language
    var word = ""
    var before: Character = " "
    for letter in CodeText(text, language).code {
      if letter.isLetter || letter.isNumber || letter == "_" {
        if word.isEmpty { before = last }
        word.append(letter)
        continue
      }
      if !word.isEmpty { take(word, after: before) }
      word = ""
      take(letter)
    }
  }

  private mutating func take(_ word: String, after before: Character) {
    switch language {
    case .swift: declare(word, after: before)
    case .c:
      // The first word after the end of what came before begins a declaration.
      if open.isEmpty, parentheses == 0, pending == nil { pending = (word, line) }
    }
    previous = word
    last = "a"
  }

  private mutating func declare(_ word: String, after before: Character) {
    guard parentheses == 0 else { return }
    if previous == "func", let start = pending { pending = (word, start.line) }
    switch word {
    case "func": pending = (word, line)
    case "init", "subscript", "deinit": if before != "." { pending = (word, line) }
    case "var", "let", "case", "struct", "class", "enum", "extension", "typealias", "protocol": pending = nil
    default: break
    }
  }

  private mutating func take(_ letter: Character) {
    switch letter {
    case "\n", "\r\n": line += 1
    case "(", "[":
      if language == .c, open.isEmpty, parentheses == 0, let start = pending {
        pending = (previous, start.line)
      }
      parentheses += 1
    case ")", "]": parentheses = max(0, parentheses - 1)
    case "{":
      let isBody = parentheses == 0 && (language == .swift || (open.isEmpty && last == ")"))
      open.append(isBody ? pending : nil)
      // A closure that is a parameter's default does not end the declaration.
      if parentheses == 0 { pending = nil }
    case "}":
      if let function = open.popLast() ?? nil {
        functions.append(Function(name: function.name, line: function.line, lines: line - function.line + 1))
      }
      if parentheses == 0 { pending = nil }
    case ";": if parentheses == 0 { pending = nil }
    default: break
    }
    if !letter.isWhitespace { last = letter }
  }
}
