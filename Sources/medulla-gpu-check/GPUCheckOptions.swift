/// What the command was asked.
struct GPUCheckOptions: Equatable {
  var isJSON = false
  var isSimulated = false
  var device = 0
  var rounds = 20
  var library: String?

  enum Reading: Equatable {
    case options(GPUCheckOptions)
    case help
    case wrong(String)
  }

  static func read(_ arguments: [String]) -> Reading {
    var options = GPUCheckOptions()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--json": options.isJSON = true
      case "--simulated": options.isSimulated = true
      case "--help", "-h": return .help
      case "--device":
        guard let number = rest.popFirst().flatMap({ Int($0) }), (0...255).contains(number) else {
          return .wrong("--device takes a number from 0 to 255")
        }
        options.device = number
      case "--rounds":
        guard let number = rest.popFirst().flatMap({ Int($0) }), (1...1_000).contains(number) else {
          return .wrong("--rounds takes a number from 1 to 1000")
        }
        options.rounds = number
      case "--library":
        guard let path = rest.popFirst(), !path.isEmpty else { return .wrong("--library takes a path") }
        options.library = path
      default: return .wrong("`\(argument)` is not understood")
      }
    }
    return .options(options)
  }
}
