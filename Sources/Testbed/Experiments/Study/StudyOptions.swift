import MedullaBase
import TestbedLink

/// A study's own options on a command line, which come from the keys of its plan.
package enum StudyOptions {
  /// Options that stand for a setting by another name, or with a value of their own.
  private static let flags = ["links --alone": "baselines=[]", "links --with-bbr": "baselines=cubic,bbr"]
  private static let times = ["soak --duration": "", "soak --minutes": "m"]

  /// Turns `--flows 2,4` and `--flows=2,4` into `flows=2,4`.
  package static func settings(_ words: [String], of study: Study) throws -> [String] {
    var settings: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") else { throw unknown(word, study) }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
      let option = parts.first ?? ""
      let known = "\(study.name) --\(option)"
      if let flag = flags[known] {
        settings.append(flag)
        continue
      }
      guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
        throw TestbedError(.badParameter, "--\(option) has no value.", remedy: "Write --\(option) VALUE.")
      }
      let name = option.replacing("-", with: "_")
      if let unit = times[known] {
        settings.append("duration_seconds=\(try seconds(value + unit))")
      } else if study.keys.contains(where: { $0.name == name }) {
        settings.append("\(name)=\(value)")
      } else {
        throw unknown(word, study)
      }
    }
    return settings
  }

  /// What a study takes, for a terminal.
  package static func help(_ study: Study) -> String {
    let rows = study.keys.map { key in
      ["--\(key.name.replacing("_", with: "-"))", key.standardValue.text, key.help]
    }
    return """
      \(study.title)

      \(study.discussion) Writes \(study.name).json and \(study.name).svg.

      \(TextTable(columns: ["option", "usually", ""], rows: rows, leaning: 3).text)

      And those of every experiment: --out DIR, --quick, --resume, --json, --models DIR, --set \
      KEY=VALUE.
      Exit status: 0 when the experiment meets its judged bounds, and after a quick one, which has no \
      verdict; 2 when it misses one; 1 when it could not be measured.
      """
  }

  /// Whole seconds of a time.
  private static func seconds(_ text: String) throws -> Int {
    Int((Double(try Quantity.nanoseconds(text)) / 1e9).rounded())
  }

  private static func unknown(_ word: String, _ study: Study) -> TestbedError {
    TestbedError(
      .badParameter, "`\(word)` is no option of the experiment \(study.name).",
      remedy: "`medulla experiment \(study.name) --help` shows what it takes.")
  }
}
