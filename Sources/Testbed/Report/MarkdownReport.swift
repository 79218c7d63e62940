import MedullaBase

extension HTMLReport {
  /// The same page as Markdown; drawings stand beside it as files.
  package var markdown: String {
    (["# \(title)", subtitle] + blocks.map(Self.markdown)).joined(separator: "\n\n") + "\n"
  }

  private static func markdown(_ block: Block) -> String {
    switch block {
    case .heading(let text): return "## \(escape(text))"
    case .paragraph(let text): return escape(text)
    case .notice(let text): return "> **\(escape(text))**"
    case .code(let text): return "```\n\(text)\n```"
    // A plot that is no file cannot stand in Markdown.
    case .plots(let sheet): return sheet.panels.map { "*\(escape($0.title))*" }.joined(separator: "\n\n")
    case .drawing(_, let file, let title): return "![\(escape(title))](\(file))"
    case .table(let table): return markdown(table)
    }
  }

  private static func markdown(_ table: TextTable) -> String {
    func line(_ cells: [String]) -> String { "| " + cells.map(escape).joined(separator: " | ") + " |" }
    let rule = table.columns.indices.map { $0 == 0 ? "---" : "---:" }.joined(separator: " | ")
    let caption = table.caption.isEmpty ? [] : [escape(table.caption), ""]
    return (caption + [line(table.columns), "| \(rule) |"] + table.rows.map(line)).joined(separator: "\n")
  }

  private static func escape(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("|", with: "\\|").replacing("*", with: "\\*")
      .replacing("_", with: "\\_").replacing("<", with: "&lt;")
  }
}
