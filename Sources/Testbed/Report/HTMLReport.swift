import MedullaBase

/// A page that needs nothing but itself: text, tables and plots.
package struct HTMLReport: Sendable {
  /// One part of the page, in order.
  package enum Block: Sendable {
    case heading(String)
    case paragraph(String)
    /// A box that stands out, for what a reader must not miss.
    case notice(String)
    case table(TextTable)
    case plots(PlotSheet)
    /// An SVG element as `PlotSheet` makes them, and the file that has it too.
    case drawing(svg: String, file: String, title: String)
    case code(String)
  }

  package var title: String
  package var subtitle: String
  package var blocks: [Block]

  package init(_ title: String, subtitle: String, blocks: [Block]) {
    self.title = title
    self.subtitle = subtitle
    self.blocks = blocks
  }

  package var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>\(Markup.escape(title))</title>
    <style>
    :root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--line:#d8dee4;--paper:#fff;--box:#f4f6f8}
    @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--line:#30363d;--paper:#0d1117;\
    --box:#161b22}}
    body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:56rem;background:var(--paper);color:var(--ink);\
    font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
    h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}
    h2{font-size:1.15rem;margin:2.4rem 0 .6rem}
    .subtitle{color:var(--soft);margin:0 0 1.6rem}
    .scroll{overflow-x:auto}
    table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums;min-width:100%}
    caption{text-align:left;color:var(--soft);padding:0 0 .4rem}
    th,td{padding:.42rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
    th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom}
    th:first-child,td:first-child{text-align:left;padding-left:0}
    .notice{background:var(--box);border-left:4px solid #d55e00;padding:.7rem 1rem;margin:1.2rem 0}
    pre{background:var(--box);padding:.8rem 1rem;overflow-x:auto;font-size:.88rem;line-height:1.45}
    svg{display:block;margin:.4rem 0}
    </style>
    </head>
    <body>
    <h1>\(Markup.escape(title))</h1>
    <p class="subtitle">\(Markup.escape(subtitle))</p>
    \(blocks.map(Self.html).joined(separator: "\n"))
    </body>
    </html>

    """
  }

  private static func html(_ block: Block) -> String {
    switch block {
    case .heading(let text): return "<h2>\(Markup.escape(text))</h2>"
    case .paragraph(let text): return "<p>\(Markup.escape(text))</p>"
    case .notice(let text): return "<div class=\"notice\">\(Markup.escape(text))</div>"
    case .code(let text): return "<pre>\(Markup.escape(text))</pre>"
    case .plots(let sheet): return sheet.svg
    case .drawing(let svg, _, _): return svg
    case .table(let table): return html(table)
    }
  }

  private static func html(_ table: TextTable) -> String {
    func row(_ cells: [String], _ tag: String) -> String {
      "<tr>" + cells.map { "<\(tag)>\(Markup.escape($0))</\(tag)>" }.joined() + "</tr>"
    }
    let caption = table.caption.isEmpty ? "" : "<caption>\(Markup.escape(table.caption))</caption>"
    return """
      <div class="scroll"><table>\(caption)
      <thead>\(row(table.columns, "th"))</thead>
      <tbody>\(table.rows.map { row($0, "td") }.joined(separator: "\n"))</tbody></table></div>
      """
  }
}
