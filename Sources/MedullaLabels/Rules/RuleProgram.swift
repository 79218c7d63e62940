import Foundation
import MedullaBase

/// Where the lists that rules name come from.
package struct RuleLists {
  /// Lists that there are already, by name.
  package let given: [String: WatchedList]
  /// Relative to which a text's own declarations name files; nil: it may declare none, as where rules come
  /// from somebody else.
  package let folder: String?

  package init(given: [String: WatchedList] = [:], folder: String? = nil) {
    (self.given, self.folder) = (given, folder)
  }

  package static var none: RuleLists { RuleLists() }
}

/// Rules that were read and checked: values, which are evaluated and never run as code.
///
/// The first rule in the text's order whose condition holds says the class, or that the agent abstains.
package struct RuleProgram {
  struct Rule {
    let name: String
    let label: Int?
    let confidence: Double
    let condition: RuleCondition
  }

  package let name: String
  let rules: [Rule]
  /// That the rules name or declare.
  package let lists: [WatchedList]

  /// The rules' names, in their order; `line 7` where one has none.
  package var names: [String] { rules.map(\.name) }

  /// - Parameters:
  ///   - text: docs/reference/rules.md has the language.
  ///   - name: of the file, for messages.
  /// - Throws: `malformed` with the place of each fault; the first in the message, all in the log.
  package init(
    _ text: String, named name: String, schema: LabelSchema, lists: RuleLists = .none
  ) throws(RuleError) {
    let parser = RuleParser(text)
    var faults = parser.faults
    var known = lists.given
    for declaration in parser.lists {
      do {
        known[declaration.name] = try Self.open(declaration, lists, known)
      } catch {
        faults.append(error)
      }
    }
    let checker = RuleChecker(fields: RuleFields(schema: schema), lists: known)
    var rules: [Rule] = []
    var lines: [String: Int] = [:]
    for statement in parser.rules where faults.count < RuleLimit.faults {
      do throws(RuleFault) {
        let rule = try Self.rule(statement, checker)
        if let before = lines.updateValue(statement.labelPlace.line, forKey: rule.name) {
          throw RuleFault(
            statement.labelPlace, "a rule of line \(before) is called `\(rule.name)` too")
        }
        rules.append(rule)
      } catch {
        faults.append(error)
      }
    }
    guard faults.isEmpty else {
      throw RuleFault.error(
        faults.sorted { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) }, in: name)
    }
    guard !rules.isEmpty else {
      throw RuleError(
        .malformed, "\(name) has no rule", remedy: "write a line such as web if destination_port in {80, 443}"
      )
    }
    (self.name, self.rules, self.lists) = (name, rules, known.sorted { $0.key < $1.key }.map(\.value))
  }

  /// - Parameter path: of a text in UTF-8; lists that it declares are relative to its folder.
  /// - Throws: `unreadable`, or `malformed` as above.
  package static func read(
    _ path: String, schema: LabelSchema, given: [String: WatchedList] = [:]
  ) throws(RuleError) -> RuleProgram {
    let text: String
    do {
      text = try BoundedFile.text(path, limit: RuleLimit.bytes)
    } catch {
      throw RuleError(.unreadable, error.message, cause: error.cause, remedy: error.remedy)
    }
    let folder = (path as NSString).deletingLastPathComponent
    return try RuleProgram(
      text, named: path, schema: schema,
      lists: RuleLists(given: given, folder: folder.isEmpty ? "." : folder))
  }

  private static func open(
    _ declaration: RuleListDeclaration, _ lists: RuleLists, _ known: [String: WatchedList]
  ) throws(RuleFault) -> WatchedList {
    guard known[declaration.name] == nil else {
      throw RuleFault(declaration.place, "there are two lists \"\(declaration.name)\"")
    }
    guard let folder = lists.folder else {
      throw RuleFault(
        declaration.place, "these rules may not read files",
        remedy: "use lists that are given to them by name")
    }
    let path = declaration.path.hasPrefix("/") ? declaration.path : folder + "/" + declaration.path
    do {
      return try WatchedList(path, kind: declaration.kind)
    } catch {
      throw RuleFault(
        declaration.place, "the list \"\(declaration.name)\" cannot be read: \(error.message)",
        remedy: error.remedy)
    }
  }

  private static func rule(
    _ statement: RuleStatement, _ checker: RuleChecker
  ) throws(RuleFault) -> Rule {
    let condition = try checker.condition(statement.condition)
    guard let name = statement.label else {
      return Rule(
        name: statement.name ?? "line \(statement.labelPlace.line)", label: nil,
        confidence: statement.confidence, condition: condition)
    }
    let label = try checker.place(of: name, statement.labelPlace)
    return Rule(
      name: statement.name ?? "line \(statement.labelPlace.line)", label: label,
      confidence: statement.confidence, condition: condition)
  }

  /// The place of the first rule that holds; nil: none does.
  func first(holdingOf request: LabelRequest) throws(MissingValue) -> Int? {
    for (place, rule) in rules.enumerated() {
      if try rule.condition.holds(of: request) { return place }
    }
    return nil
  }
}
