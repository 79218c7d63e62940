import GRDB

/// The tables of the history, and how each came to be.
enum HistorySchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("records and snapshots") { database in
      try database.create(table: "record") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("time", .double).notNull()
        table.column("function", .text).notNull()
        table.column("kind", .text).notNull()
        table.column("version", .integer)
        table.column("body", .text).notNull()
      }
      try database.create(indexOn: "record", columns: ["function", "kind", "id"])
      try database.create(indexOn: "record", columns: ["time"])
      try database.create(table: "snapshot") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("time", .double).notNull()
        table.column("function", .text).notNull()
        table.column("version", .integer).notNull()
        table.column("digest", .text).notNull()
        table.column("name", .text).notNull()
        table.column("path", .text).notNull()
        table.column("bytes", .integer).notNull()
      }
      try database.create(indexOn: "snapshot", columns: ["function", "version"])
    }
    // Rows of before count as new: their times are of a clock that may have been wrong.
    migrator.registerMigration("ages") { database in
      for name in ["record", "snapshot"] {
        try database.alter(table: name) { $0.add(column: "age", .double).notNull().defaults(to: 0) }
      }
      try database.create(indexOn: "record", columns: ["age"])
    }
    migrator.registerMigration("decisions") { database in
      try database.create(table: "decision") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("time", .double).notNull()
        table.column("function", .text).notNull()
        table.column("sample", .integer).notNull()
        table.column("flow", .integer).notNull()
        table.column("version", .integer).notNull()
        table.column("body", .text).notNull()
      }
      try database.create(indexOn: "decision", columns: ["function", "id"])
      try database.create(indexOn: "decision", columns: ["function", "flow"])
    }
    return migrator
  }
}
